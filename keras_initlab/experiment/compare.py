"""The façade: trains identical models that differ in nothing but their initial weights."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from keras_initlab.core.arguments import flag
from keras_initlab.core.errors import InputError
from keras_initlab.core.rng import isolated
from keras_initlab.experiment import provenance
from keras_initlab.experiment.course import Course
from keras_initlab.experiment.intake import Given, Length, check_choices, take_in
from keras_initlab.experiment.interruption import interruptible
from keras_initlab.experiment.levels import read as factors_of
from keras_initlab.experiment.progress import Verbose, watching
from keras_initlab.experiment.settling import asked, settle
from keras_initlab.network.selection import Layers
from keras_initlab.results.comparison import Comparison, Grid
from keras_initlab.results.conclusion import outlook
from keras_initlab.trials.config import Config
from keras_initlab.trials.folder import writing
from keras_initlab.trials.plan import MANY_RUNS
from keras_initlab.trials.record import Record


def compare(
    model: Any,
    initializers: Any,
    x: Any,
    y: Any = None,
    *,
    validation_data: Any = None,
    validation_split: float = 0.0,
    batch_size: int | None = None,
    epochs: int = 1,
    steps_per_epoch: int | None = None,
    shuffle: bool = True,
    class_weight: Mapping[int, float] | None = None,
    sample_weight: Any = None,
    callbacks: Callable[[str, int], list] | None = None,
    replicates: int = 5,
    seed: int = 0,
    layers: Layers = None,
    roles: Any = None,
    fans: str = "keras",
    baseline: str | None = None,
    target_loss: float | None = None,
    engine: str = "auto",
    run_dir: str | Path | None = None,
    share: bool = False,
    diagnose: bool = False,
    verbose: Verbose = "auto",
    weight_changes: bool = False,
    factors: Any = None,
    max_runs: int = MANY_RUNS,
    until: str | None = None,
    margin: float | None = None,
    max_replicates: int | None = None,
    budget: float | str | None = None,
) -> Comparison | Grid:
    """Train identical models that differ in nothing but their initial weights.

    Within a replicate every initializer meets the same order of the data, the same dropout masks, a
    fresh optimizer and the same values of every weight that is not under test. All seeds derive from
    `seed`, the replicate and the weight's place in the model, never from the label, so adding an
    initializer changes no other result.

    The model itself is trained and then given back with the weights, optimizer and compiled state it
    had. Weights under test are drawn as a layer built with that initializer would draw them, whatever
    seed the initializer carries. All other weights restart from their own layer's initializer; those
    of frozen layers (`trainable=False`), and those without an initializer, keep their values.

    Args:
        model: A compiled Keras model, or a function without arguments that returns one.
        initializers: Names, instances, classes, configs or callables `f(shape, dtype)`, in a list, or as
            a dict of label -> initializer.
        x: Inputs, as in `fit`: an array, a list, tuple or dict of arrays, a `tf.data.Dataset` or a
            `keras.utils.PyDataset`. A torch `DataLoader` is read without its workers, in an order that
            derives from `seed`. Text is taken where the model takes it (TensorFlow).
        y: Targets; None for a data set.
        validation_data: `(x, y)`, `(x, y, sample_weight)` or a data set.
        validation_split: Fraction of the arrays held out at their end, as in `fit`.
        batch_size: Examples per step; 32 unless given.
        epochs: Passes over the data.
        steps_per_epoch: Batches per epoch; what is left of the shuffled data is left out.
        shuffle: Whether arrays come in a new order in each epoch.
        class_weight: Class index -> weight in the loss.
        sample_weight: One weight per example.
        callbacks: Function of label and replicate that returns the Keras callbacks of that run; with an
            argument `levels`, it is told these too, as a dict.
        replicates: Independent repetitions of the whole comparison.
        seed: Root of all seeds, at least 0.
        layers: Which layers are under test: a name, a regular expression searched in the weight's path, a
            function of a layer, or a list of these. All by default, the output layer included.
        roles: Which kinds of weights: any of `kernel`, `depthwise_kernel`, `pointwise_kernel`,
            `recurrent_kernel` (these four by default), `embeddings`, `bias`, or another that the model has.
        fans: `"keras"` draws what a layer built with the initializer would draw. `"layer"` gives the law of
            a fan-scaled initializer the true fans of the layer, as `reinitialize` does.
        baseline: The label that others are compared with by default.
        target_loss: Training loss for the steps-to-target column.
        engine: `auto`, or the name of an engine.
        run_dir: Folder where each finished run is written at once. Called again with the same folder
            and arguments, `compare` goes on where it stopped: see `docs/run_folders.md`.
        share: Whether other processes call `compare` with the same folder and arguments at the same time, on
            this or other machines. Each takes groups that nobody has taken; the last to finish returns the
            whole comparison, the others what is there by then.
        diagnose: Whether each run is diagnosed from the weights that it starts from, before any is trained
            (see `diagnose`): `foreseen` of the result then lays that beside what happened. Changes no run; in
            a `run_dir` it can be added to runs that are finished.
        weight_changes: Whether the largest change of any weight over each epoch is recorded beside the
            metrics, as `weight_change`: what `stopped(LargestWeightChange(...))` reads.
        factors: What else is varied, as factor -> levels; every initializer is trained at every
            combination. A factor is a keyword of the function that builds the model; `learning_rate`,
            `weight_decay`, `clipnorm`, `global_clipnorm`, `optimizer`, `batch_size` or `shuffle`; the name of
            a remedy, such as `batch_norm` or `dropout`; or any name whose levels are remedies. Levels are a
            list, or a dict of label -> level; the first is the reference. A list of such dicts crosses each
            by itself. No seed depends on a level. See `docs/factors.md`.
        max_runs: Runs of a grid above which it is refused, for grids multiply.
        until: `"settled"` begins with `replicates`, looks, and goes on with those that are still open, until
            each initializer is better or worse than the baseline, or equivalent to it within `margin`, and no
            other can be better than the first by `margin`. What is said holds in spite of the looks: see
            `docs/settling.md`.
        margin: The difference that does not matter, in the unit of the metric that ranks; with `until`.
        max_replicates: Replicates after which what is open stays open; 40 unless given. With `run_dir` it can
            be raised later.
        budget: Seconds, or a text such as `"10 min"`, after which no more is trained in this call.
        verbose: `auto` shows a progress bar in terminals and notebooks; True prints a line per run where
            output is piped, 2 everywhere; False is silent.

    Returns:
        The comparison; with factors a `Grid`, whose `at` gives the comparison at fixed levels.
        Runs that diverge or fail are recorded as such and the others go on. Ctrl-C
        ends after the block of steps under way and returns what is finished, with the runs under way as
        `interrupted`; a second one leaves at once. SIGTERM and SIGUSR1 do the same and exit with code 143.

    Raises:
        InputError: If an argument cannot work; before any training.

    >>> import keras, keras_initlab as initlab
    >>> data = initlab.datasets.load("digits")
    >>> model = keras.Sequential([keras.Input((8, 8)), keras.layers.Flatten(), keras.layers.Dense(10)])
    >>> model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    >>> result = initlab.compare(model, ["zeros", "initlab_he_normal"], data.x, data.y, replicates=2)
    >>> sorted(result.summary().index)
    ['initlab_he_normal', 'zeros']
    """
    length = Length(replicates, epochs, seed, batch_size, steps_per_epoch)
    given = Given(x, y, validation_data, validation_split, shuffle, class_weight, sample_weight)
    check_choices(fans, target_loss)
    diagnose = flag("diagnose", diagnose)
    goal = asked(until, margin, max_replicates, budget, length.replicates, varied=bool(factors), share=share)
    if share and run_dir is None:
        raise InputError("share is True without run_dir: name the folder that the processes share.")
    with interruptible() as interruption, writing(run_dir, share) as folder:
        with isolated() as generators:
            varied = factors_of(factors, model, max_runs)
            plan, setups = take_in(
                model,
                initializers,
                given,
                length,
                generators,
                layers=layers,
                roles=roles,
                fans=fans,
                callbacks=callbacks,
                varied=varied,
                weight_changes=flag("weight_changes", weight_changes),
            )
            if baseline is not None and baseline not in plan.labels:
                raise InputError(
                    f"baseline is {baseline!r}, which is not among the labels {list(plan.labels)}."
                )
            config = provenance.describe(plan, setups, baseline, target_loss, varied)
            if goal:
                config = goal.entered(config, plan, setups[()])
            foreseeing = None
            if diagnose:
                from keras_initlab.experiment.foreseeing import Foreseeing  # a wing that few comparisons need

                foreseeing = Foreseeing(setups, plan.seed, generators)
            course = Course(engine, setups, folder, foreseeing)
            course.begin(plan, config)
        ahead = ""
        if course.finished and course.left and not config.factors:
            ahead = outlook(Comparison(list(course.finished.values()), course.config.to_json()))
        with interruption.patience():
            if goal:
                settle(goal, course, verbose, interruption.asked, ahead)
            else:
                done = len(plan.trials) - course.left
                with watching(plan, verbose, done, ahead) as observer:
                    course.train(observer, interruption.asked)
        records, config = course.gather(share), course.config
        missing = {trial.name for trial in course.plan.trials} - course.finished.keys()
        if missing and (interruption.asked() or not share):
            config = replace(config, interrupted=interruption.asked() or not goal)
        elif missing:
            known = course.finished.keys() | {record.name for record in records}
            config = replace(config, elsewhere=len(missing - known))
        result = _result(records, config)
        if folder:
            folder.settle(result)
        interruption.leave()
    return result


def _result(records: list[Record], config: Config) -> Comparison | Grid:
    return (Grid if config.factors else Comparison)(records, config.to_json())
