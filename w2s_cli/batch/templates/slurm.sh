#!/usr/bin/env bash
# Restores a share of the files in each task of an array. Submit it with `sbatch`; look
# at what has become of them with `w2s batch status @output`. Submitted
# once more it does what is missing, and nothing else.
#SBATCH --job-name=w2s
#SBATCH --array=1-@tasks
#SBATCH --cpus-per-task=@cpus
#SBATCH --mem=@memory
#SBATCH --time=@time
#SBATCH --output=w2s-%A_%a.log
@{gpu_request}set -euo pipefail

export OMP_NUM_THREADS="${SLURM_CPUS_PER_TASK:-@cpus}"
@command \
  --resume --shard "${SLURM_ARRAY_TASK_ID}/@tasks"
