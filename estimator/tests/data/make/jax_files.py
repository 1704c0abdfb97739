"""Writes small checkpoints with Flax and Orbax, to `../jax/`. Made with jax 0.10.2, flax 0.12.8, orbax-checkpoint 0.12.8.

Parameters: 16 × 24 + 24 + 3 × 5 = 423; running means: 7; an optimiser's averages: 384.
"""

import os
import pathlib
import shutil

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"

import flax.serialization
import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp

OUT = pathlib.Path(__file__).resolve().parent.parent / "jax"
OUT.mkdir(exist_ok=True)
TREE = {
    "params": {
        "dense": {"kernel": jnp.ones((16, 24), jnp.bfloat16), "bias": np.zeros((24,), np.float32)},
        "list": [jnp.ones((3, 5), jnp.float16), jnp.ones((2,), jnp.int32)],
    },
    "batch_stats": {"bn": {"mean": jnp.zeros((7,))}},
    "opt_state": {"mu": {"dense": {"kernel": jnp.ones((16, 24))}}},
    "step": 3,
}

# Ones in a row make files that pack well, and the numbers do not matter.
(OUT / "train_state.msgpack").write_bytes(flax.serialization.to_bytes(TREE))
flax.serialization.MAX_CHUNK_SIZE = 256
(OUT / "chunked.msgpack").write_bytes(flax.serialization.msgpack_serialize(TREE["params"]["dense"]))

mesh = jax.sharding.Mesh(np.array(jax.devices()).reshape(2, 4), ("x", "y"))


def spread(array, *axes):
    return jax.device_put(array, jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(*axes)))


# Each device writes a piece: of rows and columns, of columns, and of what all of them hold.
DEVICES = {
    "params": {
        "a": spread(jnp.ones((16, 24), jnp.bfloat16), "x", "y"),
        "b": spread(jnp.ones((16, 24)), None, ("x", "y")),
        "c": spread(jnp.ones((8,))),
    }
}
for name, tree, use_ocdbt, use_zarr3 in (
    ("orbax_zarr", TREE, False, False),
    ("orbax_ocdbt", TREE, True, False),
    ("orbax_zarr3", TREE, True, True),
    ("orbax_devices", DEVICES, True, False),
):
    shutil.rmtree(OUT / name, ignore_errors=True)
    with ocp.Checkpointer(ocp.PyTreeCheckpointHandler(use_ocdbt=use_ocdbt, use_zarr3=use_zarr3)) as checkpointer:
        checkpointer.save(OUT / name, tree)
    # It names the folder that it was written to.
    (OUT / name / "commit_success.txt").unlink()
