"""The catalogue of mistakes: what each is, what is right, how it shows, where to read.

The identifiers are stable: programs and exercises may rely on them. How each mistake
is computed is in `bplib.diagnosis.slips`. The docs page "Catalogue of mistakes" holds
the same text.
"""

from dataclasses import dataclass

CHAPTERS = {
    3: "The algorithm in four steps",
    5: "Backpropagation calculations",
    10: "Checking gradients",
    11: "The clinic",
}


@dataclass(frozen=True)
class Mistake:
    """One mistake that people make in a backward pass.

    what: in one line. theory: what is right, and why. shows: how it shows. chapter:
    where to read. same: mistakes that give equal numbers on all inputs (n_twice does,
    for a bias, as batch_mean_bias does): together they are one class. sometimes: those
    that do so at special sizes only, such as 2 and N at N = 2.
    """

    what: str
    theory: str
    shows: str
    chapter: int = 11
    same: tuple = ()
    sometimes: tuple = ()

    def link(self):
        return f'Read: chapter {self.chapter}, "{CHAPTERS[self.chapter]}".'


SUM = "where paths fork, gradients add"
MEAN = (
    "the loss is a mean over N examples, so 1/N enters exactly once, in the loss's dy; "
    "below that, gradients are only summed"
)
SLOPE = (
    "y = f(x) sends dx = dy * f'(x) back: each layer multiplies what arrives by "
    "its own "
    "derivative, once, at its own input"
)
BIAS = (
    "b is added to every example, so its gradients add up: db = dy summed over the "
    "examples, and 1/N is in dy already"
)
LOSS = (
    "softmax (or sigmoid) and cross-entropy together have the gradient p - t with "
    "respect to the logits; both derivatives are in it"
)

MISTAKES = {
    # ---- factors
    "sign": Mistake(
        "A minus sign is missing or too much.",
        "dy is output minus target (with softmax and cross-entropy: p, less 1 at the "
        "right class); the update then subtracts the gradient",
        "The loss rises from the first update.",
        3,
    ),
    "factor_two": Mistake(
        "A factor 2 is left over.",
        "the derivative of 1/2 (y - t)^2 is y - t: the 2 and the 1/2 cancel",
        "It trains like a doubled learning rate.",
        3,
        sometimes=("mean_of_squares", "n_minus_one", "n_missing", "times_classes"),
    ),
    "factor_half": Mistake(
        "A factor 1/2 is left over.",
        "the derivative of 1/2 (y - t)^2 is y - t: the 2 and the 1/2 cancel",
        "It trains like half the learning rate.",
        3,
        sometimes=("classes_for_n", "divided_by_classes", "n_twice"),
    ),
    "n_missing": Mistake(
        "The mean over the examples is missing: N times too large.",
        MEAN,
        "The loss diverges at learning rates that should work, the sooner the larger "
        "the batch.",
        3,
        sometimes=("factor_two",),
    ),
    "n_twice": Mistake(
        "Divided by N twice: N times too small.",
        MEAN,
        "Training is slow, the slower the larger the batch.",
        3,
        same=("batch_mean_bias",),
        sometimes=("factor_half",),
    ),
    "n_minus_one": Mistake(
        "Divided by N - 1, where N belongs.",
        MEAN,
        "All numbers are a little too large; nothing shows in training.",
        3,
        sometimes=("factor_two",),
    ),
    "times_classes": Mistake(
        "Multiplied by the number of outputs.",
        "the loss sums over the outputs of an example; no factor C enters",
        "It trains like a larger learning rate.",
        3,
        sometimes=("factor_two",),
    ),
    "divided_by_classes": Mistake(
        "Divided by the number of outputs: a mean where the loss has a sum.",
        "the loss sums over the outputs and takes the mean over the examples only",
        "It trains like a smaller learning rate.",
        3,
        sometimes=("factor_half",),
    ),
    "classes_for_n": Mistake(
        "Divided by the number of outputs C where N, the number of examples, belongs.",
        MEAN,
        "The gradient grows with the batch.",
        3,
        sometimes=("factor_half",),
    ),
    "mean_of_squares": Mistake(
        "The gradient of the mean of (y - t)^2 over examples and outputs: 2/C too "
        "much.",
        "this library's SquaredError is 1/2 of the sum over outputs, mean over "
        "examples",
        "It trains like another learning rate.",
        3,
        sometimes=("factor_two",),
    ),
    "divided_by_steps": Mistake(
        "Divided by the number of time steps.",
        f"the weights are shared by all time steps, and {SUM}: a sum, no mean",
        "The recurrent layer learns more slowly than the rest.",
        11,
        sometimes=("batch_mean_bias",),
    ),
    "divided_by_windows": Mistake(
        "Divided by the number of windows.",
        f"the filter is shared by all windows, and {SUM}: a sum, no mean",
        "The convolution learns more slowly than the rest.",
        11,
        sometimes=("batch_mean_bias",),
    ),
    "factor": Mistake(
        "A constant factor, of no known origin.",
        "every factor in a gradient comes from a factor in the loss or in a layer",
        "It trains like another learning rate, in the arrays that it concerns.",
        3,
    ),
    # ---- the loss
    "target_missing": Mistake(
        "The target was not subtracted: dy is y (or p), not y - t.",
        "the loss compares y with t, so its gradient must hold t",
        "All outputs go to zero; the loss stops at a high value.",
        3,
    ),
    "softmax_derivative": Mistake(
        "The softmax's derivative was taken as s (1 - s).",
        "every logit changes every probability: the derivative of softmax is "
        "diag(s) - s s^T, of which s (1 - s) is only the diagonal",
        "Only the right class is pulled up, none is pushed down; it trains, slowly.",
        11,
    ),
    "softmax_derivative_missing": Mistake(
        "dy is -t / p, the gradient with respect to p, not to the logits.",
        LOSS,
        "Huge gradients where p is small; the loss diverges.",
        11,
    ),
    "sigmoid_derivative_missing": Mistake(
        "dy is (p - t) / (p (1 - p)), the gradient with respect to p, not to the "
        "logits.",
        LOSS,
        "Huge gradients where p is near 0 or 1; the loss diverges.",
        11,
    ),
    "cross_entropy_derivative_twice": Mistake(
        "p - t was multiplied by the derivative of softmax or sigmoid once more.",
        LOSS,
        "Examples that are far wrong hardly learn: p (1 - p) is near 0 there.",
        11,
        same=("squared_error_on_probabilities",),
    ),
    "squared_error_on_probabilities": Mistake(
        "The gradient of 1/2 (p - t)^2, where the loss is cross-entropy.",
        LOSS,
        "Examples that are far wrong hardly learn: p (1 - p) is near 0 there.",
        11,
        same=("cross_entropy_derivative_twice",),
    ),
    "half_cross_entropy": Mistake(
        "Only -t log p was used; (1 - t) log(1 - p) is missing.",
        "binary cross-entropy has a term for each answer, yes and no; together p - t",
        "All outputs go to 1: nothing pulls them down.",
        11,
    ),
    "logits_for_probabilities": Mistake(
        "dy is y - t with logits, where the probabilities p belong.",
        LOSS,
        "It trains, as least squares would; the cross-entropy may rise.",
        11,
        same=("squared_error_on_logits",),
    ),
    "squared_error_on_logits": Mistake(
        "The gradient of 1/2 (y - t)^2, where the loss is cross-entropy on logits.",
        LOSS,
        "It trains, as least squares would; the cross-entropy may rise.",
        11,
        same=("logits_for_probabilities",),
    ),
    "probabilities_for_logits": Mistake(
        "The softmax (or sigmoid) was applied to probabilities: twice in all.",
        "these losses take logits: the softmax is inside the loss, so the net ends "
        "without one",
        "The loss falls, but stops high: no probability can come near 1.",
        11,
    ),
    "softmax_axis": Mistake(
        "The softmax sums over the examples, or over all rows, not over the classes.",
        "the probabilities of one example, one row, sum to 1",
        "Rows do not sum to 1; the result depends on who else is in the batch.",
        11,
    ),
    "sigmoid_for_softmax": Mistake(
        "Each logit went through a sigmoid, where the softmax belongs.",
        "the classes exclude one another: the softmax divides by the sum over classes",
        "Probabilities do not sum to 1; it trains.",
        11,
    ),
    "labels_for_one_hot": Mistake(
        "The number of the class was subtracted, not a row with a single 1.",
        "a label is a name, not a quantity: t has 1 at the right class, 0 elsewhere",
        "Outputs grow with the number of the class; accuracy stays low.",
        11,
    ),
    "targets_off_by_one": Mistake(
        "The targets are off by one: they belong to the class, or the row, beside.",
        "row n of dy is p_n - t_n, with the target of the same example; its 1 stands "
        "at the column that the label names, and both count from 0",
        "The loss falls; the answers are the neighbors of the right ones.",
        11,
    ),
    "target_indexing": Mistake(
        "The 1 is subtracted from whole rows or columns, not from one entry per row.",
        "p[range(N), t] -= 1 takes one entry of every row; p[t] takes whole rows, "
        "p[:, t] whole columns",
        "The loss does not fall, or the outputs grow without end.",
        11,
    ),
    # ---- activations
    "missing_activation_derivative": Mistake(
        "The derivative of the activation is missing.",
        SLOPE,
        "Arrays below it are too large. It often trains, slowly or unsteadily.",
        3,
        same=("relu_mask_of_output",),
    ),
    "relu_mask_of_output": Mistake(
        "The relu's mask is `y >= 0` of its output, which is always true.",
        "relu passes the gradient where its input was above 0; its output is never "
        "below 0, so `>=` lets all through",
        "The same as a missing derivative.",
        11,
        same=("missing_activation_derivative",),
    ),
    "relu_mask_wrong": Mistake(
        "The relu's mask comes from the wrong array.",
        "relu passes the gradient where its own input was above 0, nowhere else",
        "Some columns of dW are right, others are not.",
        11,
    ),
    "derivative_at_wrong_argument": Mistake(
        "The derivative is taken at the wrong argument.",
        "the sigmoid's derivative is y (1 - y) with its output y, or sigma'(x) at its "
        "input x; tanh's is 1 - y^2: never mix the two",
        "Below it each column is off by a factor of its own.",
        3,
    ),
    "derivative_of_wrong_layer": Mistake(
        "The derivative is computed from another layer's output.",
        SLOPE,
        "Arrays below it are wrong; shapes agree only if the layers are equally wide.",
        5,
    ),
    "derivative_of_wrong_function": Mistake(
        "The derivative of another activation.",
        "sigmoid: y (1 - y); tanh: 1 - y^2; relu: 1 where its input is above 0",
        "It trains, often well: only a check tells.",
        3,
    ),
    "derivative_incomplete": Mistake(
        "A part of the derivative is missing.",
        "sigmoid: y (1 - y); tanh: 1 - y^2; relu: 1 where its input is above 0",
        "Below it each column is off by a factor of its own.",
        3,
    ),
    "derivative_twice": Mistake(
        "The derivative of the activation is multiplied twice.",
        SLOPE,
        "Arrays below it are too small; deep nets stop learning.",
        3,
    ),
    "upstream_overwritten": Mistake(
        "What arrives from above is overwritten, not multiplied.",
        "the chain rule is a product: each step multiplies what arrives by its own "
        "derivative",
        "Below it nothing depends on the targets.",
        3,
    ),
    # ---- weights
    "transpose": Mistake(
        "The array is transposed (for filters: rows and columns exchanged).",
        "dW = x.T @ dy has the shape of W; where W is square, shapes do not tell",
        "The diagonal is right, the rest is mirrored.",
        5,
    ),
    "weights_not_transposed": Mistake(
        "The gradient goes back by W, where its transpose belongs.",
        "y = x @ W goes back as dx = dy @ W.T; where W is square, shapes do not tell",
        "Arrays of this layer are right, all below are wrong.",
        5,
    ),
    "updated_weights": Mistake(
        "The weights were updated before the gradient went back through them.",
        "all gradients are taken at the parameters of the forward pass; only when all "
        "are computed does anything move",
        "Slightly wrong, the more the larger the learning rate. It trains.",
        3,
    ),
    "weights_missing": Mistake(
        "The gradient goes back without the weights.",
        "y = x @ W goes back as dx = dy @ W.T: each path is weighted by its W",
        "Arrays of this layer are right; below, all units get the same gradient.",
        3,
    ),
    "weights_of_wrong_layer": Mistake(
        "The gradient goes back through another layer's weights.",
        "dx = dy @ W.T with the W of the layer that it goes back through",
        "Arrays of this layer are right, all below are wrong.",
        5,
    ),
    "wrong_input": Mistake(
        "dW uses another array where the layer's own input belongs.",
        "dW = x.T @ dy, where x is what the layer received: the activation's output, "
        "not what went into the activation",
        "dW is wrong while db and all other arrays are right.",
        3,
    ),
    "weights_zero": Mistake(
        "dW is zero: it was never computed.",
        "every weight that the output depends on has a gradient",
        "These weights never move.",
        11,
    ),
    # ---- biases
    "batch_mean_bias": Mistake(
        "db is the mean over the batch: N times too small.",
        BIAS,
        "Biases learn N times too slowly; it trains anyway.",
        3,
        same=("n_twice",),
        sometimes=("divided_by_steps", "divided_by_windows"),
    ),
    "bias_not_summed": Mistake(
        "db is not summed over the examples.",
        BIAS,
        "db has a row for each example; b - rate * db broadcasts to a wrong shape.",
        3,
        sometimes=("one_example_only",),
    ),
    "bias_wrong_axis": Mistake(
        "db is summed over the wrong axis.",
        BIAS,
        "All biases get the same gradient, or db has the wrong length.",
        5,
        sometimes=("bias_forgotten",),
    ),
    "bias_forgotten": Mistake(
        "db is zero: it was never computed.",
        BIAS,
        "The biases never move.",
        3,
        sometimes=("bias_wrong_axis",),  # p - t sums to 0 over the classes
    ),
    "bias_not_in_forward": Mistake(
        "The bias is left out of the forward pass that the gradient is taken at.",
        "the gradient belongs to the outputs of the net that is trained: y = x @ W + b",
        "Right while all biases are zero; wrong everywhere after the first update.",
        11,
    ),
    # ---- forks
    "one_example_only": Mistake(
        "Only one example counts: `=` for `+=` in a loop over the examples.",
        f"all examples share the weights, and {SUM}",
        "The loss jumps about as if the batch held one example.",
        5,
        sometimes=("bias_not_summed", "example_left_out"),
    ),
    "example_left_out": Mistake(
        "One example is left out: a loop starts at 1, or stops at N - 1.",
        f"all examples share the weights, and {SUM}",
        "Nearly right; the less it shows, the larger the batch.",
        5,
        sometimes=("one_example_only",),
    ),
    "path_lost": Mistake(
        "One path of a fork is lost: `=` for `+=`.",
        f"what is used several times gets a gradient from each use: {SUM}",
        "Too small, in places; it may train.",
        5,
        same=("last_time_step_only",),
    ),
    "accumulated": Mistake(
        "The gradient of an earlier call is still in there: `+=`, never set to zero.",
        "a gradient belongs to one batch and one theta; set it before you add to it",
        "The first update is right, then the steps grow: the loss turns and rises.",
        11,
    ),
    # ---- convolution and pooling
    "kernel_not_flipped": Mistake(
        "The gradient goes back through the filter as it stands.",
        "forward, the pixel at i + a meets W[a]; backward, the window at i - a "
        "does: the "
        "filter is turned by 180 degrees",
        "dW of this layer is right, all below is wrong.",
        11,
    ),
    "kernel_gradient_flipped": Mistake(
        "dW is turned by 180 degrees.",
        "the filter is not flipped in the forward pass, so its gradient is not either",
        "Right numbers in the wrong places.",
        11,
        sometimes=("flip",),
    ),
    "channels_swapped": Mistake(
        "Input and output channels are exchanged.",
        "W is (k, k, n_in, n_out); with as many inputs as outputs, shapes do not tell",
        "Right numbers in the wrong places.",
        11,
    ),
    "padding_off_by_one": Mistake(
        "The windows are read one pixel off.",
        "window (i, j) starts at pixel (i, j), forward and backward",
        "Close, since neighboring pixels are alike, and wrong.",
        11,
    ),
    "last_window_missed": Mistake(
        "The last row and column of windows are left out.",
        "with k x k filters there are H - k + 1 windows in a column: the + 1 counts",
        "Slightly too small; it trains.",
        11,
    ),
    "stride_wrong": Mistake(
        "Only every second window is used.",
        "forward and backward go through the same windows",
        "About a quarter of what is right; it trains.",
        11,
    ),
    "pool_ties": Mistake(
        "At a tie, every largest pixel gets the whole gradient.",
        "moving one of them moves the output by as much, not all together: one "
        "winner, or equal shares",
        "Right, but where pixels are equal: flat parts of an image.",
        11,
    ),
    "pool_to_all": Mistake(
        "Every pixel of the window gets gradient.",
        "only the largest pixel moves the output; the others get 0",
        "Filters below become blurred.",
        11,
    ),
    "pool_wrong_place": Mistake(
        "The first pixel of each window gets the gradient, not the largest.",
        "only the largest pixel moves the output",
        "Everything below is wrong.",
        11,
    ),
    "flatten_order": Mistake(
        "Flatten goes back in another order of axes.",
        "backward, reshape undoes reshape: the same order, the old shape",
        "Right numbers in the wrong places, below.",
        11,
    ),
    # ---- recurrence
    "last_time_step_only": Mistake(
        "Only the last time step is in the gradient.",
        f"W, U and b are used at every time step, and {SUM}",
        "What must be remembered for long is never learned.",
        11,
        same=("path_lost",),
        sometimes=("truncated",),
    ),
    "truncated": Mistake(
        "The gradient goes back only a few time steps.",
        f"every time step takes part in the last state, and {SUM}",
        "What must be remembered for longer is never learned.",
        11,
        sometimes=("last_time_step_only",),
    ),
    "h0_wrong": Mistake(
        "The state before the first time step is not zero in dU.",
        "h_0 = 0, so the first step adds nothing to dU (h[-1] is the *last* state)",
        "dU alone is wrong.",
        11,
    ),
    "state_shifted": Mistake(
        "dU uses the state after each step, not the one before it.",
        "U multiplies h_{t-1}: dU = sum over t of h_{t-1}.T @ dz_t",
        "dU alone is wrong.",
        11,
    ),
    "time_reversed": Mistake(
        "Inputs and gradients are paired in opposite order of time.",
        "dW = sum over t of x_t.T @ dz_t, the same t in both",
        "dW alone is wrong.",
        11,
    ),
    # ---- regularization
    "regularization_missing": Mistake(
        "The term of the weight decay is missing.",
        "the penalty 1/2 lambda W^2 adds lambda * W to dW",
        "Weights grow as if there were no penalty.",
        11,
    ),
    "regularization_on_bias": Mistake(
        "The penalty is also on the biases.",
        "only weights are penalized: a bias does not make the function steeper",
        "Outputs are pulled towards zero.",
        11,
    ),
    "regularization_added": Mistake(
        "A multiple of W is in dW that the loss does not ask for.",
        "the penalty 1/2 lambda W^2 adds lambda * W to dW; without it, nothing does",
        "Weights shrink; the loss stops higher.",
        11,
    ),
    # ---- the function itself
    "ignores_arguments": Mistake(
        "The function reads variables from outside, not its arguments.",
        "a backward pass is a function of net, loss, x and t",
        "The gradient never changes while the net trains.",
        11,
    ),
    "not_repeatable": Mistake(
        "Two calls with the same arguments give different numbers.",
        "a gradient is a function of its arguments: no state, no random numbers",
        "No check gives the same answer twice.",
        10,
    ),
    "changes_inputs": Mistake(
        "The function changes its arguments.",
        "a backward pass reads; only the update, after it, writes",
        "What comes later finds other numbers than it expects.",
        11,
    ),
    # ---- arrays in the wrong place
    "arrays_swapped": Mistake(
        "Two arrays are under one another's name.",
        "dW1 belongs to W1: the first layer with parameters, counted from the input",
        "Right numbers in the wrong places.",
        11,
    ),
    "flip": Mistake(
        "Rows or columns are in reversed order.",
        "entry (i, j) of dW belongs to entry (i, j) of W",
        "Right numbers in the wrong places.",
        11,
        sometimes=("kernel_gradient_flipped",),
    ),
    "zeros": Mistake(
        "Some entries are zero that should not be: parts were never written.",
        "every entry of W has an entry in dW",
        "These weights never move.",
        11,
    ),
    # ---- no mistakes
    "float32_rounding": Mistake(
        "Only rounding: float32 holds about 7 digits.",
        "each operation in float32 is off by up to 6e-8 of its result",
        "A check with a tolerance of 1e-7 fails; nothing is wrong.",
        10,
    ),
    "kink": Mistake(
        "Only a kink: a relu or a max sits exactly on its corner.",
        "at a corner there is no derivative; every slope between left and right "
        "will do",
        "A check fails at single entries, and passes beside them.",
        10,
    ),
}
