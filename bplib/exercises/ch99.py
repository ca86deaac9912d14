"""The concept test: twelve questions without a calculation, of the whole book.

They are asked twice, before the book and after it: Quiz("99.1", sitting="before") and
Quiz("99.1", sitting="after"). The number 99 stands behind every chapter. Each wrong
option is one that a careful person may believe; `see` is the page that deals with it.
"""

from bplib.exercises.parts import Choice, Exercise

QUESTIONS = {
    "slope": Choice(
        "For a weight w, the slope of the error is −2. What does that say?",
        {
            "a": (
                "The weight is too small by 2.",
                "A slope is no distance. It says how fast the error changes here, and "
                "not how far away the best value is.",
            ),
            "b": (
                "If the weight grows a little, the error falls by about twice as much.",
                "A slope is a rate: so much change of the error for so much change of "
                "the weight, as long as the changes are small.",
            ),
            "c": (
                "Of the whole error, −2 is this weight's share, to be taken away.",
                "A slope is no share of the error. At a minimum every slope is zero, "
                "and the weights matter all the same.",
            ),
        },
        "b",
        see="02_what_backpropagation_is#one-weight",
    ),
    "does": Choice(
        "A backward pass has run, and nothing else. What has changed in the network?",
        {
            "a": (
                "Every weight has moved a little against its slope, that is, downhill.",
                "That is what gradient descent does with the result. The backward pass "
                "computes slopes, and leaves every weight where it is.",
            ),
            "b": (
                "The neurons that caused the error have been corrected.",
                "No neuron is corrected, and none is to blame. The backward pass says "
                "how the error would change with each weight.",
            ),
            "c": (
                "No weight: it has found out how the error would change with each.",
                "Backpropagation finds slopes. To move the weights is another step, "
                "such as gradient descent.",
            ),
        },
        "c",
        see="02_what_backpropagation_is#what-it-is-not",
    ),
    "cost": Choice(
        "A network has one error and a million weights. What does it cost to find all "
        "million slopes by backpropagation?",
        {
            "a": (
                "About as much as three passes through the network.",
                "One pass forward, and a walk back that costs about two more, however "
                "many weights there are.",
            ),
            "b": (
                "About a million passes, one for each weight.",
                "That is what nudging costs, and even twice that. The walk back works "
                "out once, at each neuron, what lies behind it, and re-uses it.",
            ),
            "c": (
                "As many multiplications as there are paths from a weight to the "
                "error.",
                "Then no deep network could be trained. All paths that lead on from a "
                "neuron are added up into one number, and that is used again.",
            ),
        },
        "a",
        see="02_what_backpropagation_is#what-it-costs-counted",
    ),
    "bend": Choice(
        "Why does a hidden layer need an activation?",
        {
            "a": (
                "To bring every number into the range from 0 to 1.",
                "Relu and the sine do not do that, and help. What counts is the bend.",
            ),
            "b": (
                "To train faster. With enough neurons one could do without it.",
                "Without a bend, a thousand hidden neurons collapse into one layer, "
                "however long they train. Speed is not what is missing.",
            ),
            "c": (
                "Because without a bend, two layers can do no more than one.",
                "A weighted sum of weighted sums is a weighted sum.",
            ),
        },
        "c",
        see="04_forward_propagation#why-it-must-bend",
    ),
    "sure": Choice(
        "A sigmoid output is sure and wrong: it says 0.9999 where the target is 0. The "
        "error is the squared one. How large is its slope in the weighted sum?",
        {
            "a": (
                "Large: the output is off by nearly 1, and the slope says so.",
                "That is the slope in the output. On its way back to the weighted sum "
                "it is multiplied by the slope of the sigmoid, which is nearly zero.",
            ),
            "b": (
                "Almost zero, since the sigmoid is nearly flat there.",
                "The neuron is saturated: a large error, and hardly a slope. With "
                "cross-entropy the flat factor cancels.",
            ),
            "c": (
                "Nobody can say without the weights.",
                "The weights decide how large the sum is, and the output tells that. "
                "The slope in the sum follows from output and target alone.",
            ),
        },
        "b",
        see="04_forward_propagation#output-targets-and-loss-are-chosen-together",
    ),
    "fork": Choice(
        "A hidden neuron feeds two outputs. How is the slope of the error in this "
        "neuron made?",
        {
            "a": (
                "Slopes multiply along each of the two ways, and the two products add.",
                "When the neuron moves, both outputs move, and both changes of the "
                "error count.",
            ),
            "b": (
                "The outputs hand their error back, divided so that nothing is lost.",
                "That is the picture of blame. Slopes are rates, and nothing keeps "
                "their total: in chapter 5b slopes of −1 and 2 leave, and 3 arrives.",
            ),
            "c": (
                "It is the mean of the two, or a neuron with many outputs would learn "
                "too fast.",
                "The sum is the slope. If the steps are too long, make the learning "
                "rate smaller.",
            ),
            "d": (
                "The larger one decides, as the steepest way does.",
                "When the neuron moves, both outputs move at once. The smaller change "
                "happens too.",
            ),
        },
        "a",
        see="05b_forks_add#a-second-output",
    ),
    "order": Choice(
        "Two layers, one backward pass. When is it safe to move the weights of the "
        "last layer?",
        {
            "a": (
                "As soon as their slopes are known, so that the first layer gets "
                "better ones to work with.",
                "Then the first layer's slopes mix old outputs with new weights, and "
                "belong to neither place. Often it trains all the same.",
            ),
            "b": (
                "Once the walk back has passed through them; to be sure, when all "
                "slopes are known.",
                "A gradient belongs to one place: the weights that the forward pass "
                "used.",
            ),
            "c": (
                "At any time: slopes do not depend on the weights.",
                "They do. What comes back to the first layer is multiplied by the "
                "weights of the last.",
            ),
        },
        "b",
        see="05e_the_case_file#the-line",
    ),
    "trains": Choice(
        "You wrote a backward pass. All shapes fit, and the loss falls smoothly and "
        "ends low. What does that show of the gradient?",
        {
            "a": (
                "It is right; with a wrong one the loss would not fall.",
                "Of the sixteen programs with a wrong gradient in chapter 11, fourteen "
                "lower the loss. A step needs only a vague idea of downhill.",
            ),
            "b": (
                "Its direction is right; a factor may be missing.",
                "Not even that. A forgotten slope of an activation changes the "
                "direction too, and often trains.",
            ),
            "c": (
                "It is right, since the shapes leave only one way.",
                "Where a matrix is square, a forgotten transpose fits as well. Shapes "
                "are a good habit, and no proof.",
            ),
            "d": (
                "Little: it has to be measured.",
                "Nudge, and compare: that finds what neither shapes nor a falling loss "
                "can show.",
            ),
        },
        "d",
        see="11_the_clinic#the-loss-falls-so-the-gradient-is-right",
    ),
    "together": Choice(
        "Each weight's step, taken alone, would lower the error. Now all weights take "
        "their steps at once. Does the error fall?",
        {
            "a": (
                "Most likely yes: each of them helps, so together they help even more.",
                "Each step was right while the others stood still. Together they may "
                "go too far: with y = w + b, each alone can help and both can harm.",
            ),
            "b": (
                "Yes, if the gradient is exact.",
                "It is exact where the step begins, not all along it. A long step may "
                "lead up again, however exact the slopes.",
            ),
            "c": (
                "Short steps lower it; long ones can raise it.",
                "Against a gradient that is not zero, a small enough step lowers the "
                "error. How small it must be depends on how the error bends.",
            ),
        },
        "c",
        see="06_updating_the_weights",
    ),
    "rate": Choice(
        "With all examples in every update, training comes to rest nicely, without "
        "jumping to and fro. What does a learning rate ten times smaller do?",
        {
            "a": (
                "It takes longer, and need not end any better.",
                "Without the noise of small batches both come to rest where the slope "
                "is zero. The smaller rate gets there later, or not in time.",
            ),
            "b": (
                "It takes longer, and often ends a little closer to the best that "
                "there is.",
                "So it is where steps are noisy, as with small batches: their noise "
                "leaves a floor that sinks with the rate. Here nothing is noisy.",
            ),
            "c": (
                "It may take longer, but it is the safer choice in every respect.",
                "It is safe from being thrown out, and not from standing still: on a "
                "plateau it may not move in any time that you have.",
            ),
        },
        "a",
        see="07_the_learning_rate",
    ),
    "small": Choice(
        "During training the gradient has become almost zero. What does that show?",
        {
            "a": (
                "Most likely the error is as low as this network can get it.",
                "On a saddle or a plateau the gradient is almost zero too. On the "
                "napkin, at weights of 0.001, it is 0.0014 and the error is 0.5.",
            ),
            "b": (
                "A small step from here hardly changes the error.",
                "It may be a minimum, a saddle or a plateau. To tell, look at the "
                "error itself, and at other starts.",
            ),
            "c": (
                "The network has probably learned its task, for new examples too.",
                "The gradient speaks of the examples that it was computed from. Of new "
                "ones it says nothing.",
            ),
        },
        "b",
        see="08_iteration",
    ),
    "universal": Choice(
        "A network with enough hidden neurons can come as close as you like to any "
        "continuous function on an interval. What follows?",
        {
            "a": (
                "Training finds such weights, if the network is large enough.",
                "That such weights exist is one sentence, that descent finds them is "
                "another. The theorem says the first alone.",
            ),
            "b": (
                "Outside the interval, too, it will be roughly right, if less exactly.",
                "The theorem speaks of the interval. Far outside, a relu network goes "
                "on in a straight line, whatever the function does.",
            ),
            "c": (
                "Such weights exist, and that is all.",
                "To exist, to be found, and to hold elsewhere are three things.",
            ),
        },
        "c",
        see="09_the_advantages",
    ),
}

EXERCISES = {
    "99.1": Exercise(
        "The concept test: twelve questions, without a calculation. Choose what you "
        "believe, not what you think is wanted.",
        QUESTIONS,
        [
            "Imagine a network of two weights, and move one of them a little.",
            "Each question has its page in the book: go there, and decide once more.",
        ],
    )
}
