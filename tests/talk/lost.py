"""Every place of live service in the hall x {the answer is lost after the hall acted, the hall is killed there}: exact on both sides."""
import os
import signal

from talker import Talker, exact, say_all, started, tap, waits
import chaos
import faults

PLACES = [("certhalld", "POST /v1/conversations", 1), ("certhalld", "POST /v1/conversations/{id}/messages", 2), ("certhalld", "POST /v1/conversations/{id}/messages", 5),
          ("certhalld", "POST /v1/conversations/{id}/history", 1), ("certhalld", "POST /v1/conversations/{id}/marks", 1), ("certhalld", "GET /v1/conversations/{id}/events", 1)]

caught = faults.Faults()
place, client, agent = started(env=caught.env)
line = chaos.Proxy(place.port)
place.through(line.port)


def killed(pid):
    os.kill(pid, signal.SIGKILL)
    place.service.stop(signal.SIGKILL)
    place.port = line.to = place.service.start()


def conversation(key, action):
    caught.began.clear()
    caught.ended.clear()
    caught.begin()
    caught.at(key, action)
    talker = Talker(place)
    mine, others = [f"客户第 {n} 条" for n in range(6)], [f"客服第 {n} 条" for n in range(3)]
    waits(agent, talker)
    for n, text in enumerate(mine):
        talker.say(text)
        if n % 2:
            say_all(agent, [others[n // 2]])
        if n == 3 and key[1].endswith("/history"):  # asked for by who comes back
            talker.wait_for(lambda told: told.endswith(" " + others[1]))
            talker.wait_for(lambda told: told.endswith(" " + mine[3]))
            talker.close()
            talker = Talker(place, talker.request)
    exact(talker, agent, mine, others)
    talker.end()
    agent.close().is_ok()
    if caught.began.is_set():
        tap.check(caught.ended.wait(60), "what was to be done at the place does not end")
    tap.equal(caught.errors, [])
    return caught.began.is_set()


for _key in PLACES:
    tap.test(f"{' '.join(map(str, _key))}: the answer is lost")(lambda key=_key: tap.check(conversation(key, lambda pid: "fail"), f"never came to {key}"))
    tap.test(f"{' '.join(map(str, _key))}: the hall is killed")(lambda key=_key: tap.check(conversation(key, killed), f"never came to {key}"))
tap.run()
