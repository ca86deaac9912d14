"""`diagnose_backward`: mistakes are tried out until one gives the reader's numbers.

A mistake is named only if it reproduces every number that was returned, on the reader's
data and on fresh inputs.
"""

import contextlib
import copy
import functools
import io
import itertools

import numpy as np

from bplib.diagnosis.answers import (
    DIGITS,
    EPS,
    LOOSE,
    TIGHT,
    Case,
    Trouble,
    check_arguments,
    close,
    failure,
    fresh_target,
    other_size,
    own,
)
from bplib.diagnosis.backward import Record, core, net_like
from bplib.diagnosis.search import (
    KNOWN_FACTORS,
    MOST_PAIRS,
    RARE,
    Start,
    fits,
    hypotheses,
    look,
    reach,
    wrong_places,
)
from bplib.diagnosis.slips import FACTORS
from bplib.diagnosis.words import (
    digits,
    is_are,
    listed,
    named_in,
    pattern,
    wrapped,
)
from bplib.layers import MaxPool2D
from bplib.mistakes import MISTAKES


class Diagnosis:
    """What `diagnose_backward` found; prints as a few sentences.

    ok: the numbers are right, for other N too. mistake: an identifier of
    `bplib.mistakes.MISTAKES`, or None. mistakes: of a pair both. also:
    other identifiers that give the same numbers.
    where: the names of the wrong arrays. evidence: the sentence that says how well it
    fits. right, yours: dicts of arrays. consistent_with: of `diagnose` only.
    """

    def __init__(self, ok, lines, *, mistakes=(), also=(), where=(), evidence="",
                 right=None, yours=None, consistent_with=()):  # fmt: skip
        self.ok, self.lines = ok, list(lines)
        self.mistakes, self.also = tuple(mistakes), tuple(also)
        self.mistake = self.mistakes[0] if self.mistakes else None
        self.where, self.evidence = tuple(where), evidence
        self.right, self.yours = dict(right or {}), dict(yours or {})
        self.consistent_with = tuple(consistent_with)

    def __repr__(self):
        return "\n".join(wrapped(line) for line in self.lines)


@np.errstate(all="ignore")  # overflows are judged, not warned of
def examine(my_backward, net, loss, x, t):
    """What `bplib.diagnosis.diagnose_backward` does."""
    try:
        return Examination(my_backward, net, loss, x, t).result()
    except Trouble as trouble:
        return Diagnosis(False, str(trouble).split("\n"))
    except Exception as error:  # a layer or a loss of the reader's own, most likely
        words = f"{type(error).__name__}: {error}"
        return Diagnosis(False, [f"Your gradient could not be judged. {words}"])


class Examination:
    def __init__(self, my_backward, net, loss, x, t):
        check_arguments(my_backward, net, loss)
        self.my_backward, self.rng = my_backward, np.random.default_rng(0)
        x, t = own("x", x), own("t", t)
        try:
            with np.errstate(all="ignore"):
                self.case = Case("here", net.copy(), copy.deepcopy(loss), x, t)
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
            raise Trouble(f"net, loss, x and t do not go together. {message}") from None
        bad = [n for n, a in self.case.record.right.items() if not np.isfinite(a).all()]
        if bad or not np.isfinite(self.case.record.value):
            raise Trouble(
                f"The right gradient itself is not finite here ({listed(bad)}): x or "
                "the parameters are nan, inf or too large. Look at the data first."
            )
        try:
            self.case.ask(my_backward, self.rng, times=2)
        except Trouble:
            raise
        except Exception as error:
            raise Trouble(failure(error, my_backward)) from None
        self.notes = list(self.case.remarks)
        self.tolerance = TIGHT
        self.fresh, self.other = [], None
        self.looks = {}
        self.hidden_by_N = False  # is it about other numbers of examples only?

    # ---- fresh inputs

    def draw(self):
        """Ask for the gradients of other nets, on other data of the same kind."""
        case = self.case
        for name in ("fresh 1", "fresh 2"):
            x, t = self.like(len(case.x))
            found = self.ask_fresh(name, x, t)
            if isinstance(found, str):
                self.notes.append(f"On fresh inputs of the same shapes: {found}")
            elif found:
                self.fresh.append(found)
        x, t = self.like(other_size(case.record))
        found = self.ask_fresh("another number of examples", x, t)
        if isinstance(found, str):
            self.fixed_N = True
        elif found:
            self.other = found

    fixed_N = False

    def ask_fresh(self, name, x, t):
        """A Case; words if the function fails there; None if the net does."""
        try:
            with np.errstate(all="ignore"):
                net = net_like(self.case.net, self.rng, x)
                case = Case(name, net, self.case.loss, x, t)
        except Exception:  # a layer of the reader's own that wants other data
            return None
        if not all(np.isfinite(a).all() for a in case.record.right.values()):
            return None
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                case.ask(self.my_backward, self.rng)
        except Trouble as trouble:
            return str(trouble)
        except Exception as error:
            return failure(error, self.my_backward)
        if case.arrays.keys() != self.case.arrays.keys():
            return "your function returns other names than before."
        return case

    def like(self, n):
        """Fresh x and t for n examples, of the kind and rough size of the reader's."""
        case, rng = self.case, self.rng
        x, t = np.asarray(case.x), np.asarray(case.t)
        shape = (n, *x.shape[1:])
        pools = [s for s in case.record.steps if s.kind is MaxPool2D]
        if any(s.layer.kink_distance() == 0 for s in pools):  # keep the ties
            new = x[rng.integers(len(x), size=n)]
            if x.ndim == 4:
                new = np.roll(new, rng.integers(4, size=2), axis=(1, 2))
            new = new * rng.choice([1, 2, 3], (n,) + (1,) * (x.ndim - 1))
        elif x.dtype.kind in "iub":
            new = rng.integers(int(x.min()), int(x.max()) + 2, size=shape)
        else:
            size = np.sqrt(np.mean(np.square(x, dtype=np.float64))) or 1.0
            new = rng.standard_normal(shape) * size
            if any(s.kind is None for s in case.record.steps) and x.min() >= 0:
                new = np.abs(new)
        return new.astype(x.dtype), fresh_target(case.record, t, n, rng)

    # ---- what is right, what is wrong

    def result(self):
        case = self.case
        odd = [n for n, a in case.arrays.items() if not np.isfinite(a).all()]
        if odd:
            return self.not_finite(odd)
        if not case.arrays:
            return self.report(False, ["There is nothing to compare."])
        self.draw()
        cases = [case, *self.fresh]
        if self.other:
            cases.append(self.other)
        self.cases = cases
        for find in (
            self.repeatable,
            self.accumulated,
            self.right,
            self.float32,
            self.kink,
            self.of_changed_inputs,
            self.one_mistake,
            self.ignores_arguments,
            self.swapped,
            self.two_mistakes,
        ):
            found = find()
            if found is not None:
                return found
        return self.unknown()

    def right(self):
        """All right, on the reader's data and on fresh inputs of the same shapes."""
        cases = [self.case, *self.fresh]
        if any(case.wrong(TIGHT) for case in cases):
            return None
        return self.all_right((), [])

    def all_right(self, mistakes, words):
        fails = self.other and self.other.wrong(self.tolerance)
        if fails and not self.hidden_by_N:
            if (found := self.mistake_hidden_by_N()) is not None:
                return found
        names = list(self.case.arrays)
        lines = [
            f"{listed(sorted(names))} {'is' if len(names) == 1 else 'are'} right, to "
            f"{DIGITS[self.tolerance]} digits, {self.where_seen(self.fresh)}."
        ]
        if self.case.changed:
            mistakes = (*mistakes, "changes_inputs")
        if self.fixed_N or fails:
            n, m = self.case.record.N, other_size(self.case.record)
            what = "it fails" if self.fixed_N else f"{listed(sorted(fails))} "
            if fails:
                what += f"{is_are(fails)} wrong, and so for any other N"
            words = [
                *words,
                f"But only for N = {n} examples: with {m} {what}. Is N, or 1/N, "
                "written into your function?",
            ]
        ok = not self.case.remarks and not fails
        where = fails or ()
        return self.report(ok, [*lines, *words], mistakes=mistakes, where=where)

    def mistake_hidden_by_N(self):
        """Right for the reader's N only: which mistake cannot show there?

        With one example 1/N is 1, and a sum is a mean.
        """
        tolerance, self.hidden_by_N = self.tolerance, True
        found = self.one_mistake(orders=self.orders[:1]) or self.two_mistakes()
        self.hidden_by_N = False
        if found is None:
            self.tolerance = tolerance
        return found

    def where_seen(self, cases):
        if not cases:
            return "here"
        return f"here and on {len(cases)} fresh input" + "s" * (len(cases) > 1)

    def report(self, ok, lines, **more):
        case = self.case
        notes = list(self.notes)
        if case.changed:
            notes.append(
                f"Your function changes {listed(case.changed)}. A backward pass should "
                "leave its arguments as they are: copy before you change, and update "
                "only when all gradients are computed."
            )
        right = {n: a for n, a in case.record.right.items() if n in case.arrays}
        return Diagnosis(ok, [*lines, *notes], right=right, yours=case.arrays, **more)

    def not_finite(self, odd):
        case, lines = self.case, []
        for name in odd:
            array = case.arrays[name]
            bad = ~np.isfinite(array)
            first = [int(i) for i in np.argwhere(bad)[0]]
            lines.append(
                f"{name} holds nan or inf: {bad.sum()} of {array.size} entries, the "
                f"first at {first}. The right ones are all finite."
            )
        lines.append(
            "Look for a division by zero, log(0), or exp of a large number: print each "
            "array of your backward pass until the first nan shows."
        )
        good = [n for n in case.arrays if n not in odd]
        right = [n for n in good if case.same(n, case.record.right[n], LOOSE)]
        if right:
            lines.append(f"{listed(sorted(right))} right.")
        return self.report(False, lines, where=odd)

    # ---- state, randomness, arguments that are not used

    def repeatable(self):
        if len(self.case.answers) < 2 or self.counts_up():
            return None
        first, second = (arrays for arrays, _ in self.case.answers)
        same = first.keys() == second.keys() and all(
            np.array_equal(first[n], second[n])
            or first[n].shape == second[n].shape
            and close(first[n], second[n], LOOSE, self.case.floor(n, EPS[LOOSE]))
            for n in first
        )
        if same:
            return None
        return self.named(
            ["not_repeatable"],
            ["Two calls with the same arguments give different numbers."],
        )

    def counts_up(self):
        """The names of arrays to which earlier numbers were added, if that is all."""
        case, found = self.case, []
        calls = [
            (arrays, case.record, grad)
            for (arrays, _), grad in zip(case.answers, case.grads, strict=False)
        ]
        calls += [(c.arrays, c.record, c.grads[0]) for c in self.fresh]
        for name in case.arrays:
            right = [core(record.right[name]) for _, record, _ in calls]
            given = [core(arrays.get(name, np.nan)) for arrays, _, _ in calls]
            zero = np.zeros_like(case.record.right[name])
            before = [core(grad.get(name, zero)) for _, _, grad in calls]
            triples = list(zip(given, right, before, strict=True))
            if any(g.shape != r.shape for g, r, _ in triples):
                return []
            last = [np.zeros_like(given[0]), *given[:-1]]
            if all(added(g, r, 0) for g, r, _ in triples):
                continue
            if all(added(g, r, b) for g, r, b in triples) or (
                len(given) > 2 and all(map(added, given[1:], right[1:], last[1:]))
            ):
                found.append(name)
            else:
                return []
        return found

    def accumulated(self):
        names = self.counts_up()
        if not names:
            return None
        words = f"{listed(sorted(names))}: the numbers of an earlier call are still in"
        words += " there. Your gradient is added to them, as by `+=`."
        return self.named(["accumulated"], [words], names)

    def ignores_arguments(self):
        """Are the numbers those of the reader's own net, or data, wherever we ask?"""
        if not self.fresh:
            return None
        case, new = self.case, self.fresh[0]
        for kept in (
            ("net", "x", "t"), ("x", "t"), ("net",), ("net", "x"), ("net", "t"),
            ("x",), ("t",),
        ):  # fmt: skip
            if kept == ("net", "x", "t"):
                old = {
                    n: (case.arrays[n], c.arrays[n])
                    for c in self.fresh
                    for n in case.arrays
                }
                if not all(
                    a.shape == b.shape and close(a, b, 1e-12, 0)
                    for a, b in old.values()
                ):
                    continue
                if not new.wrong(TIGHT):
                    continue
            elif not self.mixed(kept):
                continue
            good = not case.wrong(TIGHT)
            words = [
                f"Your function does not use the {listed(list(kept))} that it is given:"
                " it reads variables from outside, or has the numbers written in.",
                "For your own net and data the numbers are right."
                if good
                else f"And {listed(sorted(case.wrong(TIGHT)))} wrong even there.",
            ]
            return self.named(["ignores_arguments"], words)
        return None

    def mixed(self, kept):
        for new in self.fresh:
            choose = [
                getattr(self.case if name in kept else new, name)
                for name in ("net", "loss", "x", "t")
            ]
            try:
                record = Record(*choose)
            except Exception:
                return False
            for name, array in record.right.items():
                if name in new.arrays and not new.same(name, array, TIGHT):
                    return False
        return bool(self.fresh) and any(new.wrong(TIGHT) for new in self.fresh)

    def of_changed_inputs(self):
        """Right for what the function has made of its arguments, before it began?"""
        cases = [self.case, *self.fresh]
        changed = dict.fromkeys(name for case in cases for name in case.changed)
        if not changed:
            return None
        try:
            after = [Record(*case.after) for case in cases]
        except Exception:  # they do not go together any more
            return None
        for case, record in zip(cases, after, strict=True):
            if not all(case.same(n, record.right[n], LOOSE) for n in case.arrays):
                return None
        words = (
            f"your numbers are the gradients at what your function has made of "
            f"{listed([*changed])}: it changes that first, and then computes."
        )
        return self.named(["changes_inputs"], [words])

    # ---- known mistakes

    @functools.cached_property
    def hypotheses(self):
        return list(hypotheses(self.case.record))

    @functools.cached_property
    def orders(self):
        """The cases to try a mistake on, the cheapest first.

        Where the function has its number of examples written in, it is 1/N off for
        another N: that is tried next. The first cases of both share one record.
        """
        same = [*self.fresh, self.case]
        if not self.other:
            return [same]
        fixed = self.other.times(self.case.record.N / self.other.record.N)
        return [[self.other, *same], [fixed, *same]]

    def look(self, hypothesis, tolerance):
        """A first look, at the first case of every order, is taken once."""
        key = hypothesis, tolerance
        if key not in self.looks:
            firsts = [cases[0] for cases in self.orders]
            self.looks[key] = look(hypothesis, firsts, tolerance)
        return self.looks[key]

    def one_mistake(self, tolerance=LOOSE, orders=None):
        """The single mistake that gives all the numbers, or None."""
        orders = self.orders if orders is None else orders
        places = [wrong_places(cases, tolerance) for cases in orders]
        fitting = [[] for _ in orders]
        for hypothesis in self.hypotheses:
            able = [reach([hypothesis], wrong) for wrong in places]
            if not any(able):
                continue
            seen, _ = self.look(hypothesis, tolerance)
            for k, cases in enumerate(orders):
                p = seen[k] if able[k] else np.nan
                p = fits([hypothesis], cases[p is not None :], tolerance, p)
                if p is not None:
                    fitting[k].append(([hypothesis], p))
        for cases, found in zip(orders, fitting, strict=True):
            if not found:
                found = [(pair, 0.0) for pair in self.factor_pairs()]
                found = [f for f in found if fits(f[0], cases, tolerance) == 0.0][:1]
            if found:
                finer = [f for f in found if fits(f[0], cases, TIGHT) is not None]
                return self.tell(finer or found, cases, TIGHT if finer else tolerance)
        return None

    def factor_pairs(self):
        """Two factors at once, such as the sign and N."""
        factors = [h for h in self.hypotheses if -1 in h[1]]
        factors = [h for h in factors if h[0].mistake in KNOWN_FACTORS]
        return map(list, itertools.combinations(factors, 2))

    def two_mistakes(self):
        """The first two mistakes that together give all the numbers, or None.

        One of them must explain an array of the layer nearest the output that is
        wrong, or both are made on the way to it; without this there would be too many
        pairs to try.
        """
        # In one case or the other a relu may be dead, and hide a mistake.
        cases = sorted(self.orders[0], key=lambda c: len(c.wrong(LOOSE)), reverse=True)
        if not cases[0].wrong(LOOSE):
            return None
        spots = wrong_places(cases, LOOSE)
        pairs = itertools.chain(
            self.one_above_another(cases[0], spots),
            self.both_on_the_way(cases[0], spots),
        )
        for start, two in itertools.islice(pairs, MOST_PAIRS):
            pair = [*start.slips, two]
            p = start.p if pair[0][0].unknown else None
            p = fits(pair, cases, LOOSE, p, start)
            if p is not None:
                finer = fits(pair, cases, TIGHT) is not None
                return self.tell([(pair, p)], cases, TIGHT if finer else LOOSE)
        return None

    def one_above_another(self, first, spots):
        """Yield the Start of one that explains, and a second that may do the rest."""
        top = first.record.layer_of(first.wrong(LOOSE)[0])
        common = [h for h in self.hypotheses if h[0].mistake not in RARE]
        for one in common:
            if not any(reach([one], {spot}) for spot in spots if spot[0] == top):
                continue
            if first is self.orders[0][0]:
                p = self.look(one, LOOSE)[1]
            else:
                p = look(one, [first], LOOSE)[1]
            if np.isnan(p):
                continue
            start = Start(first, one, p, LOOSE)
            for two in common:
                if two is one or (one[0].unknown and two[0].unknown):
                    continue
                if reach([two], start.spots) and reach([one, two], spots):
                    yield start, two

    def both_on_the_way(self, first, spots):
        """Yield such pairs for two mistakes made between two layers with parameters."""
        record = first.record
        top = record.layer_of(first.wrong(LOOSE)[0])
        here = record.names_at(record.steps[top]) if top >= 0 else []
        if any(n in first.arrays and n not in first.wrong(LOOSE) for n in here):
            return  # so what arrives there is right
        above = (s.index for s in record.steps[top + 1 :] if s.params)
        end = next(above, len(record.steps))  # there dW is right, but dx may not be
        way = {*range(top + 1, end + 1), *([-1] if end == len(record.steps) else [])}
        inside = [
            (slip, places)
            for slip, places in self.hypotheses
            if slip.mistake not in RARE
            and (
                (places <= way and ({"dx", "dz"} & {*slip.parts} or -1 in places))
                or (places == {top} and "dz" in slip.parts)
            )
        ]
        known = [one for one in inside if not one[0].unknown]
        for one in known:
            start = Start(first, one, 0.0, LOOSE)
            for two in inside:
                lower = two[0].unknown or (
                    -1 not in two[1] and (-1 in one[1] or max(two[1]) < min(one[1]))
                )
                if lower and not one[1] & two[1] and reach([one, two], spots):
                    yield start, two

    def swapped(self):
        """Arrays under one another's name: two, those of two layers, or all."""
        cases = [self.case, *self.fresh]
        wrong = {n for case in cases for n in case.wrong(LOOSE)}
        for other in exchanges(list(self.case.arrays), self.case.record):
            if wrong <= {*other} and all(
                c.same(name, c.record.right[other[name]], LOOSE)
                for c in cases
                for name in other
            ):
                pairs = dict.fromkeys(tuple(sorted(pair)) for pair in other.items())
                words = ", ".join(f"{a} and {b}" for a, b in pairs if a != b)
                words += " are exchanged: each has the other's numbers."
                return self.named(["arrays_swapped"], [words], cases=cases)
        return None

    def tell(self, fitting, cases, tolerance):
        self.tolerance = tolerance
        slips, p = fitting[0]
        mistakes = list(dict.fromkeys(slip.mistake for slip, _ in slips))
        also = {}  # with what exactly it would be there
        for ((other, places), *_), q in fitting[1:]:
            if other.mistake not in (*mistakes, "factor", *also):
                also[other.mistake] = self.words(other, places, q)
        words = [self.words(slip, places, p) for slip, places in slips]
        if mistakes == ["kink"]:
            return self.all_right(["kink"], words)
        return self.named(mistakes, words[: len(mistakes)], also=also, cases=cases)

    def words(self, slip, places, p):
        """The slip in the reader's own names: dW2, and layers by number."""
        record, text = self.case.record, slip.words
        if self.hidden_by_N:
            record = self.other.record
        steps = [record.steps[i] for i in sorted(places) if i >= 0]
        for part in ("dW", "dU", "db"):
            names = [f"{part}{record.numbers[s.index]}" for s in steps]
            text = named_in(text, f"{part} of {{place}}", names)
        names = [n for s in steps for n in record.names_at(s)]
        text = named_in(text, "the arrays of {place}", names)
        numbers = [str(s.index + 1) for s in steps]
        place = f"layers {listed(numbers)}"
        if len(steps) == 1:
            place = f"{steps[0].layer} (layer {numbers[0]})"
        value = {m: f for m, f, _ in FACTORS}.get(slip.mistake)
        value = value(record) if value else 0
        text = text.format(
            place=place,
            p=digits(p),
            value=f"{value:g}",
            inverse=f"{1 / value if value else 0:g}",
            decay=f"{record.decay:g}",
        )
        if not text.startswith(("dW", "dU", "db")):
            text = text[0].upper() + text[1:]
        return text + "."

    def named(self, mistakes, words, where=None, also=(), cases=None):
        case = self.case
        wrong = case.wrong(self.tolerance) if where is None else where
        hidden = not wrong
        if hidden:  # only fresh inputs show it
            wrong = sorted({n for c in self.fresh for n in c.wrong(self.tolerance)})
        lines = self.verdict(wrong, hidden)
        if self.hidden_by_N:
            wrong = self.other.wrong(self.tolerance)
            lines = [
                f"Right for N = {case.record.N}, where this cannot show; with N = "
                f"{self.other.record.N} {listed(sorted(wrong))} {is_are(wrong)} wrong."
            ]
        lines += [
            f"{m}: {w}" for m, w in zip(mistakes, words[: len(mistakes)], strict=True)
        ]
        lines += words[len(mistakes) :]
        evidence = ""
        if cases:
            fresh = len(cases) - 1
            many = "these two" if len(mistakes) > 1 else "this"
            evidence = (
                f"A program that is right but for {many} gives all your numbers, to "
                f"{DIGITS[self.tolerance]} digits, here and on {fresh} fresh "
                f"input{'s' * (fresh > 1)}."
            )
            lines.append(evidence)
        if also:
            lines.append("The same numbers come from:")
            lines += [f"{mistake}: {words}" for mistake, words in also.items()]
        for mistake in mistakes:
            theory = MISTAKES[mistake].theory
            lines.append(f"Theory: {theory}.")
        lines += dict.fromkeys(MISTAKES[mistake].link() for mistake in mistakes)
        return self.report(
            False, lines, mistakes=mistakes, also=also, where=wrong, evidence=evidence
        )

    def verdict(self, wrong, hidden=False):
        good = sorted(n for n in self.case.arrays if n not in wrong)
        wrong = sorted(wrong)
        if not wrong:
            return []
        is_ = "is" if len(wrong) == 1 else "are"
        if hidden:
            return [
                f"Here the numbers are right, but with other numbers in net, x and t "
                f"{listed(wrong)} {is_} wrong."
            ]
        text = f"{listed(wrong)} {is_} wrong"
        if good:
            text += f"; {listed(good)} {'is' if len(good) == 1 else 'are'} right"
        return [text + "."]

    def float32(self):
        """All right but for rounding, if no known mistake is as small as that."""
        cases = [self.case, *self.fresh]
        if any(case.wrong(LOOSE) for case in cases):
            return None
        single = all(
            np.array_equal(array, array.astype(np.float32), equal_nan=True)
            for case in cases
            for array in case.arrays.values()
        )
        if not single and (found := self.one_mistake(TIGHT)) is not None:
            return found
        self.tolerance = LOOSE
        words = (
            "They differ from the right ones only as float32 does, which holds about 7 "
            "digits. That is rounding, not a mistake."
        )
        if not single:
            words = (
                f"They differ by {self.difference():.0e} (relative): as small as "
                "float32 rounding, a small constant in a denominator or a difference "
                "quotient would make it. That is no mistake in the formula."
            )
        return self.all_right(["float32_rounding"], [words])

    def difference(self):
        """The largest difference from what is right, relative to each array."""
        found = [0.0]
        for case in [self.case, *self.fresh]:
            for name, array in case.arrays.items():
                right = core(case.record.right[name])
                size = np.abs(right).max(initial=0)
                if size:
                    found.append(np.abs(core(array) - right).max() / size)
        return max(found)

    def kink(self):
        """Wrong here, right elsewhere, and right as soon as we step off the corner."""
        if not self.fresh or any(case.wrong(LOOSE) for case in self.fresh):
            return None
        if (found := self.one_mistake()) is not None:
            return found
        near = min(
            (s.layer.kink_distance() for s in self.case.record.steps), default=np.inf
        )
        if near < 1e-9:
            net, x = self.case.net.copy(), np.asarray(self.case.x, dtype=np.float64)
            noise = 1e-3 * self.rng.uniform(-1, 1, net.theta.shape)
            net.theta = net.theta * (1 + noise) + noise
            x = x + 1e-3 * self.rng.uniform(-1, 1, x.shape)
            case = Case("beside", net, self.case.loss, x, self.case.t)
            try:
                case.ask(self.my_backward, self.rng)
            except Exception:
                return None
            if not case.wrong(LOOSE):
                words = (
                    f"{listed(self.case.wrong(LOOSE))} differs from bplib's only "
                    f"where a "
                    "relu or a max sits exactly on its corner. There is no derivative "
                    "there, and your choice is as good. Beside the corner your numbers "
                    "are right."
                )
                return self.all_right(["kink"], [words])
        wrong = self.case.wrong(LOOSE)
        lines = self.verdict(wrong)
        lines.append(
            "But on fresh inputs of the same shapes everything is right. So something "
            "about your own data does it: their dtype, their order, values that repeat."
        )
        return self.report(False, lines, where=wrong)

    # ---- none of them

    def unknown(self):
        """Where it is wrong, what that excludes, and how the numbers differ."""
        seen = next(c for c in [self.case, *self.fresh] if c.wrong(LOOSE))
        wrong = seen.wrong(LOOSE)
        lines = self.verdict(wrong, hidden=seen is not self.case)
        lines.append(
            "None of the known mistakes, and no two of them, give your numbers."
        )
        lines += self.between(seen, wrong)
        for name in sorted(wrong)[:4]:
            given, right = seen.arrays[name], seen.record.right[name]
            if core(given).shape != core(right).shape:
                lines.append(
                    f"{name}: its shape is {given.shape}, that of {name[1:]} is "
                    f"{right.shape}."
                )
                if seen.record.N in given.shape:
                    lines.append(
                        f"Is the {seen.record.N} in it the number of examples? "
                        f"Then look "
                        "for y of shape (N, 1) minus t of shape (N,): that gives "
                        "(N, N)."
                    )
            else:
                lines.append(f"{name}: {pattern(core(given), core(right))}.")
        return self.report(False, lines, where=wrong)

    def between(self, case, wrong):
        """Between which steps the fault must lie, as far as one can tell."""
        record, top = case.record, case.record.layer_of(wrong[0])
        if top < 0:
            return ["All arrays are right but dx: look at the first layer's dx."]
        here = [n for n in record.names_at(record.steps[top]) if n in case.arrays]
        good = [n for n in here if n not in wrong]
        layer = f"{record.net.layers[top]} (layer {top + 1})"
        if good:
            return [
                f"{listed(good)} of the same layer {is_are(good)} right, so what "
                f"arrives "
                f"at {layer} is right: look at the line that computes "
                f"{listed([n for n in here if n in wrong])}."
            ]
        params = [s for s in record.steps[top + 1 :] if s.params]
        above = [s for s in params if {*record.names_at(s)} & {*case.arrays}]
        if not above:
            rest = [f"{s.layer} (layer {s.index + 1})" for s in record.steps[top + 1 :]]
            start = "This is the layer nearest the output"
            if params:
                start = "You return no array of the layers above"
            places = ["the loss's dy", *(f"at {place}" for place in (*rest, layer))]
            return [
                f"{start}, so look first at {listed(places)}. Next: print dy and "
                "compare it with loss.backward(). Do your hidden values and output "
                "equal those of net.forward?"
            ]
        names = [n for n in record.names_at(above[0]) if n in case.arrays]
        steps = [
            f"{s.layer} (layer {s.index + 1})"
            for s in record.steps[top : above[0].index + 1][::-1]
        ]
        return [
            f"{listed(names)} {is_are(names)} right and {listed(here)} {is_are(here)} "
            f"not: the fault is between, on the way back through {listed(steps)}. "
            f"Next: "
            "print what each of them sends back, for one example, and compute it "
            "by hand."
        ]


def added(given, right, before):
    """Is given = right + before, up to rounding?"""
    size = max(np.abs(given).max(initial=0), np.abs(before).max(initial=0))
    return close(given - before, right, 1e-6, 1e-9 * size)


def exchanges(names, record):
    """{name: whose numbers it may have}, for names that are easily exchanged."""
    for a, b in itertools.combinations(names, 2):
        yield {a: b, b: a}
    layers = [record.names_at(s) for s in record.steps if s.params]
    pairs = [*itertools.combinations(layers, 2)]
    pairs.append((sum(layers, []), sum(layers[::-1], [])))  # counted from the output
    for ours, theirs in pairs:
        if len(ours) == len(theirs) and {*ours, *theirs} <= {*names}:
            yield dict(zip(ours + theirs, theirs + ours, strict=True))
