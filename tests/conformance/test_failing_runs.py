"""A run that diverges, fails or is cut off costs no other run."""

import keras
import numpy as np

from tests.trained import X, Y, dense_net, losses, run, statuses


def test_divergence_is_recorded_and_its_neighbours_go_on_unchanged():
    huge = keras.initializers.RandomNormal(stddev=1e25)
    with_it = run(None, {"one": "initlab_he_normal", "huge": huge}, validation_data=(X, Y))
    without = run(None, {"one": "initlab_he_normal"}, validation_data=(X, Y))
    diverged = [record for record in with_it.records if record.label == "huge"]
    assert [record.status for record in diverged] == ["diverged", "diverged"]
    for record in diverged:
        assert len(record.step_losses) < 10
        assert not np.isfinite(record.step_losses[-1])
        assert np.isfinite(record.step_losses[:-1]).all()
        assert f"at step {len(record.step_losses)}" in record.message
        assert record.epochs == {}
    for replicate in range(2):
        assert losses(with_it, "one", replicate) == losses(without, "one", replicate)


def test_an_exception_in_one_run_is_recorded_and_the_rest_go_on():
    def refuses(shape, dtype=None):
        raise RuntimeError(f"no law for {shape}")

    result = run(None, {"bad": refuses, "one": "initlab_he_normal"})
    assert statuses(result) == {"bad": {"failed"}, "one": {"completed"}}
    assert result.records[0].message == "RuntimeError: no law for (6, 8)"
    alone = run(None, {"one": "initlab_he_normal"})
    assert losses(result, "one", 1) == losses(alone, "one", 1)


def test_an_exception_in_mid_training_leaves_the_next_run_whole():
    def stumbles(label, replicate):
        def stop(batch, logs=None):
            if label == "bad" and batch == 2:
                raise OSError("disk full")

        return [keras.callbacks.LambdaCallback(on_train_batch_end=stop)]

    result = run(None, {"bad": "initlab_he_normal", "one": "initlab_he_normal"}, callbacks=stumbles)
    assert statuses(result) == {"bad": {"failed"}, "one": {"completed"}}
    assert "disk full" in result.records[0].message
    assert losses(result, "one", 1) == losses(run(), "one", 1)


def test_ctrl_c_returns_what_is_finished():
    def interrupts(label, replicate):
        def stop(batch, logs=None):
            if (label, replicate) == ("twin", 1) and batch == 1:
                raise KeyboardInterrupt

        return [keras.callbacks.LambdaCallback(on_train_batch_end=stop)]

    model = dense_net()
    weights = model.get_weights()
    result = run(model, callbacks=interrupts)
    finished = {(record.label, record.replicate) for record in result.records}
    assert finished == {("one", 0), ("twin", 0), ("one", 1)}
    assert result.config["interrupted"] is True
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
