"""Conversions that a network's code asks for only where its weights have 16 bits.

In fp32 the tensor is of that type already, so that the conversion is the tensor itself: it is put into the recording in
fp32, which then has the steps of the one in 16 bit."""
from recorder import Step


def with_conversions(run, other):
    """The run with the conversions that only the other one has."""
    model, recording, results, sizes = run
    twins = other[1].steps
    steps, numbers, places = [], {n: n for n in range(recording.given)}, {}
    made, old, at = recording.given, recording.given, 0
    converted = set()
    for place, step in enumerate(recording.steps):
        while is_left_out(recording.steps, place, twins, at):
            steps.append(Step("to", [None for _ in twins[at].inputs], ["float32"], 1, [None for _ in twins[at].inputs]))
            converted.add(made)
            made, at = made + 1, at + 1
        places[place] = len(steps)
        moved = Step(step.name, [numbers.get(n, n) for n in step.inputs], step.attributes, step.outputs, step.shapes)
        steps.append(moved)
        at += 1
        for _ in range(step.outputs):
            numbers[old], old, made = made, old + 1, made + 1
    places[len(recording.steps)] = len(steps)
    recording.steps = steps
    recording.converted = {numbers[n] for n in recording.converted} | converted
    recording.blocks = [{**b, "from": places[b["from"]], "to": places[b["to"]]} for b in recording.blocks]
    recording.shapes_of = {numbers.get(n, n): shape for n, shape in recording.shapes_of.items()}
    return model, recording, [numbers.get(n, n) for n in results], sizes


def is_left_out(steps, place, twins, at):
    """Whether the other recording converts here, and then does what comes here."""
    if at + 1 >= len(twins) or twins[at].name != "to" or steps[place].name == "to" and follows(steps, place, twins, at):
        return False
    return True


def follows(steps, place, twins, at):
    """Both convert; which of several conversions in a row is missing is told by how many there are."""
    def in_a_row(listed, i):
        count = 0
        while i + count < len(listed) and listed[i + count].name == "to":
            count += 1
        return count
    return in_a_row(steps, place) >= in_a_row(twins, at)
