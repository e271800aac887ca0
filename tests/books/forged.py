"""A hall's database, copied and put wrong: for what must notice it."""
import os
import sqlite3

import tap


class Forged:
    """The same hall (service/office.py's) with a copy of its database. numbers: for the one ? of a statement."""

    def __init__(self, office, *statements, numbers=()):
        self.dir, self.bank_port = office.path("forged"), office.bank_port
        os.mkdir(self.dir)
        whole = sqlite3.connect(f"{office.dir}/hall.db", timeout=30)
        db = sqlite3.connect(f"{self.dir}/hall.db")
        whole.backup(db)
        whole.close()
        db.execute("PRAGMA foreign_keys = OFF")
        for text in statements:
            changed = db.execute(text, numbers if "?" in text else []).rowcount
            tap.check(changed != 0, f"changed nothing: {text}")
        db.commit()
        db.close()
        self.config = f"{self.dir}/hall.conf"
        with open(f"{office.dir}/hall.conf", encoding="utf-8") as file:
            text = file.read().replace(f"{office.dir}/hall.db", f"{self.dir}/hall.db")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(text)
