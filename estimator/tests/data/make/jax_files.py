"""Writes small checkpoints with Flax and Orbax, to `../jax/`. Made with jax 0.10.2, flax 0.12.8, orbax-checkpoint 0.12.8.

Parameters: 16 × 24 + 24 + 3 × 5 = 423; running means: 7; an optimiser's averages: 384.
"""

import pathlib
import shutil

import flax.serialization
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
for name, use_ocdbt in (("orbax_zarr", False), ("orbax_ocdbt", True)):
    shutil.rmtree(OUT / name, ignore_errors=True)
    with ocp.Checkpointer(ocp.PyTreeCheckpointHandler(use_ocdbt=use_ocdbt)) as checkpointer:
        checkpointer.save(OUT / name, TREE)
    # It names the folder that it was written to.
    (OUT / name / "commit_success.txt").unlink()
