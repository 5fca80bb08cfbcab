"""Mistakes in what `compare` promises: identical models that differ in nothing but their start."""

from mutant import Mutant

COMPARE = "tests/conformance/test_compare.py"
BAD_INPUT = "tests/unit/experiment/test_bad_input.py"
SEQUENTIAL = "keras_initlab/engines/sequential.py"
SEEDS = "keras_initlab/core/seeds.py"


def mistake(name: str, file: str, before: str, after: str, test: str, module: str = COMPARE) -> Mutant:
    return Mutant(name, file, before, after, (module, "-k", test), backend="jax")


MUTANTS = [
    mistake(
        "order not shared across initializers",
        SEQUENTIAL,
        "feeds.begin(trial.seeds, epoch)",
        "feeds.begin(type(trial.seeds)(len(trial.label), trial.replicate), epoch)",
        "train_identically and dense",
    ),
    mistake(
        "seeds not shared across initializers",
        "keras_initlab/trials/plan.py",
        "Seeds(self.seed, replicate)",
        "Seeds(self.seed + len(label), replicate)",
        "train_identically and dense",
    ),
    mistake(
        "order the same in every epoch",
        SEEDS,
        '"order", self.replicate, epoch)',
        '"order", self.replicate)',
        "orders_differ",
        "tests/unit/engines/test_sources.py",
    ),
    mistake(
        "dropout masks not shared",
        SEQUENTIAL,
        "trial.seeds.noise(*place)",
        "trial.seeds.noise(*place, len(trial.label))",
        "train_identically and dense",
    ),
    mistake(
        "draws depend on the label",
        "keras_initlab/engines/setup.py",
        "trial.seeds.draw(*slot.seed_path)",
        "trial.seeds.draw(trial.label, *slot.seed_path)",
        "train_identically and dense",
    ),
    mistake(
        "two slots share a seed",
        SEEDS,
        '"draw", self.replicate, *slot)',
        '"draw", self.replicate)',
        "seeds",
        "tests/unit/core/test_seeds.py",
    ),
    mistake(
        "replicates alike",
        SEEDS,
        '"draw", self.replicate, *slot)',
        '"draw", *slot)',
        "replicates_differ",
    ),
    mistake(
        "optimizer state not reset",
        SEQUENTIAL,
        "        self._optimizer.restore()\n",
        "",
        "train_identically and dense",
    ),
    mistake(
        "weights not reset",
        SEQUENTIAL,
        "        self._weights.restore()\n        self._optimizer",
        "        self._optimizer",
        "train_identically and custom",
    ),
    mistake(
        "random generators not reset",
        SEQUENTIAL,
        "            set_generator(generator, trial.seeds.noise(*place))",
        "            pass",
        "masks_differ",
    ),
    mistake(
        "the user's optimizer goes on",
        SEQUENTIAL,
        "            setattr(model, name, optimizer)\n            # One",
        "            # One",
        "given_back or fresh",
    ),
    mistake(
        "weights not given back",
        SEQUENTIAL,
        "        weights.restore()\n        model.reset_metrics()",
        "        model.reset_metrics()",
        "given_back",
    ),
    mistake(
        "batches shuffled by Keras",
        SEQUENTIAL,
        "shuffle=False,",
        "shuffle=True,",
        "written_by_hand",
    ),
    mistake(
        "running mean instead of the step's loss",
        SEQUENTIAL,
        "STEP_LOSS: keras.ops.convert_to_tensor(self._losses)",
        "STEP_LOSS: super().result()",
        "written_by_hand",
    ),
    mistake(
        "frozen layers restarted",
        "keras_initlab/network/selection.py",
        "if slot.index not in under and not _frozen(slot)]",
        "if slot.index not in under]",
        "frozen",
    ),
    mistake(
        "weights not under test keep what they learned",
        "keras_initlab/engines/setup.py",
        "for slot, own in self.restarted.items():",
        "for slot, own in ():",
        "fresh or replicates_differ",
    ),
    mistake(
        "divergence overlooked",
        SEQUENTIAL,
        "if not math.isfinite(loss):",
        "if False:",
        "divergence",
        "tests/conformance/test_failing_runs.py",
    ),
    mistake(
        "global random state not restored",
        "keras_initlab/core/rng.py",
        "        np.random.set_state(numpy_state)\n",
        "",
        "global_random",
    ),
    mistake(
        "einsum axes swapped",
        "keras_initlab/network/slots.py",
        "return inputs, outputs",
        "return outputs, inputs",
        "axes",
        "tests/unit/network/test_slots.py",
    ),
    mistake(
        "a finished run is run again",
        "keras_initlab/experiment/schedule.py",
        "if trial.name not in done and trial not in covered]",
        "if trial not in covered]",
        "goes_on",
        "tests/unit/trials/test_folder.py",
    ),
    *(
        Mutant(
            f"packed although the optimizer is {name}",
            "keras_initlab/engines/stacked/packing.py",
            condition,
            "True",
            ("tests/conformance/test_engines.py", "-k", f"does_not_depend and {name}"),
            backend="torch",
        )
        for name, condition in (
            ("adamw", "not optimizer.weight_decay"),
            ("ftrl", "not isinstance(optimizer, keras.optimizers.Ftrl)"),
        )
    ),
    *(
        Mutant(name, "keras_initlab/engines/choice.py", before, after, ("tests/unit/engines/test_choice.py",))
        for name, before, after in (
            ("probe dearer than thought", "SLOWEST * (one.start + probe)", "(one.start + probe)"),
            ("slower engine taken", "if together < alone else", "if together > alone else"),
        )
    ),
    mistake(
        "loss not scaled as the optimizer asks",
        "keras_initlab/engines/stacked/programs.py",
        "members.optimizer.scale_loss(losses.sum()), (losses, after)",
        "losses.sum(), (losses, after)",
        "elementwise and scaled",
        "tests/conformance/test_engines.py",
    ),
    mistake(
        "patches in another order than the kernel's taps",
        "keras_initlab/engines/stacked/convolution.py",
        "itertools.product(*map(range, window))",
        "reversed(list(itertools.product(*map(range, window))))",
        "is_a_product",
        "tests/conformance/test_engines.py",
    ),
    Mutant(
        "rows that come twice are added up first",
        "keras_initlab/engines/stacked/rows.py",
        "if isinstance(gradient, tf.IndexedSlices):",
        "gradient = tf.convert_to_tensor(gradient)\n    if False:",
        ("tests/conformance/test_engines.py", "-k", "come_twice and Embedding"),
        backend="tensorflow",
    ),
    Mutant(
        "every member's rows are those of the first table",
        "keras_initlab/engines/stacked/rows.py",
        "tf.reshape(places + first, [-1])",
        "tf.reshape(places + 0 * first, [-1])",
        ("tests/conformance/test_engines.py", "-k", "come_twice and Embedding"),
        backend="tensorflow",
    ),
    Mutant(
        "PyTorch is not asked whether it can",
        "keras_initlab/engines/stacked/engine.py",
        "reason_not_to_stack(setup) or _failure(setup)",
        "reason_not_to_stack(setup)",
        ("tests/conformance/test_engines_refusing.py", "-k", "two_members_cannot_run"),
        backend="torch",
    ),
    mistake(
        "trials of several replicates are fed the batches of one",
        "keras_initlab/engines/sources.py",
        "return not self.shuffle or len(set(seeds)) == 1",
        "return True",
        "met_alike",
        "tests/unit/engines/test_sources.py",
    ),
    Mutant(
        "stateful layers carry on",
        "keras_initlab/engines/sequential.py",
        "state.assign(np.zeros(state.shape))",
        "pass",
        ("tests/conformance/test_engines_refusing.py", "-k", "stateful"),
        backend="tensorflow",
    ),
    mistake(
        "exclusions from weight decay forgotten",
        "keras_initlab/core/keras_private.py",
        'for name in ("_exclude_from_weight_decay", "_exclude_from_weight_decay_pattern"):',
        "for name in ():",
        "names_excluded",
        "tests/conformance/test_engines_refusing.py",
    ),
    *(
        mistake(name, file, before, after, test, module)
        for name, file, before, after, test, module in (
            (
                "the loss is not tried before training",
                "keras_initlab/experiment/model.py",
                "                _lose(model, batch, outputs, y)\n",
                "                pass\n",
                "one-hot or left",
                BAD_INPUT,
            ),
            (
                "a guess is not said",
                "keras_initlab/experiment/intake.py",
                "if guessed and layers is None and roles is None:",
                "if False:",
                "guess",
                "tests/unit/experiment/test_intake.py",
            ),
            (
                "weight_fans blamed on nobody",
                "keras_initlab/network/roles.py",
                "{name: Fans(*fans) for name, fans in layer.weight_fans().items()}",
                "layer.weight_fans()",
                "weight_fans",
                BAD_INPUT,
            ),
            (
                "a summed loss has a level of chance",
                "keras_initlab/experiment/targets.py",
                "if not is_plain_mean(model):",
                "if False:",
                "no_mean",
                "tests/unit/experiment/test_targets.py",
            ),
            (
                "the rehearsal moves state",
                "keras_initlab/experiment/model.py",
                "with keras.StatelessScope(values, collect_losses=True):",
                "if True:",
                "moves_no_state",
                BAD_INPUT,
            ),
            (
                "a loader in one order for all",
                "keras_initlab/experiment/loader.py",
                "self._order.seed = seeds.order(epoch)",
                "self._order.seed = seeds.order(0)",
                "derived_order",
                "tests/conformance/test_kinds_of_data.py",
            ),
            (
                "a resumed run begins with another's epoch",
                "keras_initlab/experiment/loader.py",
                "if self._order.seed == self._first_seed else None",
                "",
                "resumed",
                "tests/conformance/test_kinds_of_data.py",
            ),
            (
                "a result over another one",
                "keras_initlab/cli/compare.py",
                "while out.exists():",
                "while False:",
                "second_run",
                "tests/unit/cli/test_bad_input.py",
            ),
        )
    ),
    Mutant(
        "only one of several optimizers starts fresh",
        SEQUENTIAL,
        "        held = optimizers(model).values()\n",
        "        held = list(optimizers(model).values())[:1]\n",
        ("tests/conformance/test_own_training.py", "-k", "adversaries or fresh"),
        backend="tensorflow",
    ),
]
