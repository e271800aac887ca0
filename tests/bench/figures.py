"""A table of figures with their references, ratios and goals."""
import statistics

_rows = []
_missed = 0


def median(values):
    return statistics.median(values)


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def show(name, value, unit="", reference=None, most=None, least=None, of=None):
    """One line. reference: the peer's value in the same run; most and least bound the value, or with of="ratio" value / reference."""
    global _missed
    ratio = value / reference if reference else None
    measured = ratio if of == "ratio" else value
    text = f"{name:<46} {value:>10,.2f} {unit:<6}"
    text += f" reference {reference:>10,.2f}  ratio {ratio:>5.2f}" if reference else " " * 36
    if most is not None or least is not None:
        met = (most is None or measured <= most) and (least is None or measured >= least)
        _missed += not met
        goal = f"at most {most:g}" if most is not None else f"at least {least:g}"
        text += f"  goal {goal}{'x' if of == 'ratio' else ''}: {'met' if met else 'MISSED'}"
    print(text, flush=True)


def close():
    print(f"{_missed} goals missed" if _missed else "all goals met", flush=True)
