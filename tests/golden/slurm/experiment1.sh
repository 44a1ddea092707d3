#!/bin/bash
#SBATCH --qos=regular
#SBATCH --time=01:30:00
#SBATCH --nodes=1
#SBATCH --constraint=gpu

unset SLURM_EXPORT_ENV
export COVALENT_JOB_FOLDER=/scratch/user/experiment1/c-1-0-0
export COVALENT_PYTHON=3.11
export COVALENT_WORK_DIR=/scratch/user/experiment1/c-1-0-0
export PATH="$PATH:$COVALENT_JOB_FOLDER"

module load package/1.2.3
srun --ntasks-per-node 1 dcgmi profile --pause

srun -n 4 -c 8 --cpu-bind=cores -G 4 --gpu-bind=single:1 \
nsys profile --stats=true -t cuda --gpu-metrics-device=all \
python /scratch/user/experiment1/workflow_script.py

status=$?

srun --ntasks-per-node 1 dcgmi profile --resume

echo $status > "$COVALENT_JOB_FOLDER/exit"
exit $status
