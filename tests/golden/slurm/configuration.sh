#!/bin/bash
#SBATCH --nodes=1
#SBATCH --ntasks=4
#SBATCH --cpus-per-task=8
#SBATCH --constraint=gpu
#SBATCH --gpus=4
#SBATCH --qos=regular

unset SLURM_EXPORT_ENV
export COVALENT_JOB_FOLDER=/scratch/user/c-1-0-0
export COVALENT_PYTHON=3.11
export COVALENT_WORK_DIR=/scratch/user/c-1-0-0
export PATH="$PATH:$COVALENT_JOB_FOLDER"

srun --cpu_bind=cores --gpus=4 --gpu-bind=single:1 \
python /scratch/user/workflow_script.py

status=$?

echo $status > "$COVALENT_JOB_FOLDER/exit"
exit $status
