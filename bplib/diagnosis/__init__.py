"""Why is my gradient wrong, and why does my network not learn?

`diagnose_backward` (`examination.py`) runs a reader's function, and then a right
program (`backward.py`) with each known mistake (`slips/`) made in it, until one gives
the same numbers (`search.py`). `diagnose` compares one array alone, `diagnose_training`
(`symptoms.py`) reads a training run. The catalogue is `bplib.mistakes`. All of it is
loaded when it is first used, so that `import bplib` stays quick.
"""


def diagnose_backward(my_backward, net, loss, x, t):
    """Say why the gradients of my_backward(net, loss, x, t) are wrong, if they are.

    my_backward returns a dict {"dW1": ..., "db1": ..., ...}, the names as in
    net.named_parameters() with a d in front; "dx" may be given too. It is called
    several times, each time with its own copies of net, loss, x and t: first yours,
    then nets with other parameters and other data. Nothing of yours is changed, and
    nothing that my_backward does raises an error here: the Diagnosis says what
    happened.

    If loss.weight_decay is set, the right gradient is that of
    loss + weight_decay / 2 * (sum of all W squared).
    """
    from bplib.diagnosis.examination import examine

    return examine(my_backward, net, loss, x, t)


def diagnose(yours, right, *, net=None, loss=None, x=None, t=None, name=None):
    """Compare one gradient array with the right one: what is it consistent with?

    One array alone proves nothing, so `.mistake` is None and `.consistent_with` holds
    identifiers of `bplib.mistakes.MISTAKES`. x tells the number of examples; with net,
    loss, x, t and name ("dW1") the known mistakes of that array are tried too.
    """
    from bplib.diagnosis.one_array import compare

    return compare(yours, right, net=net, loss=loss, x=x, t=t, name=name)


def diagnose_training(
    net, loss, optimizer, x, t, *, iterations=100, batch=None, rng=None
):
    """Say what is wrong with this training run, if anything is. Trains copies only.

    The arguments are those of `train`. It takes a few times as long as the run.
    Returns a report that prints as sentences: .ok, .symptom, .symptoms, .evidence,
    .next. It raises nothing for what is passed: the report says what is wrong with it.
    """
    from bplib.diagnosis.symptoms import observe

    return observe(
        net, loss, optimizer, x, t, iterations=iterations, batch=batch, rng=rng
    )
