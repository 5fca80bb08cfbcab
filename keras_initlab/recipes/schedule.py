"""Learning rates that saved optimizers name: known to Keras from the import of the package on."""

from collections.abc import Mapping
from typing import Any

import keras


@keras.saving.register_keras_serializable(package="keras_initlab")
class ScaledSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """Another schedule times a factor."""

    def __init__(self, schedule: Any, factor: float):
        if isinstance(schedule, Mapping):
            schedule = keras.saving.deserialize_keras_object(schedule)
        self.schedule, self.factor = schedule, factor

    def __call__(self, step: Any) -> Any:
        return self.schedule(step) * self.factor

    def get_config(self) -> dict[str, Any]:
        return {"schedule": keras.saving.serialize_keras_object(self.schedule), "factor": self.factor}
