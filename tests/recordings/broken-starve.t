ktdbg recording 1
topology 1n1l4c1t
clock virtual
scheduler broken starve

# Six tasks on four CPUs, and one of them gets nothing while the others share.
spawn @runner workers=6 work=spin
[2.000000000] let victim worker(@runner,0)
expect bpf(.bss.victim) == $victim
expect task($victim).on_rq == 1 && task($victim).se.sum_exec_runtime < 10ms
expect task(worker(@runner,1)).se.sum_exec_runtime > 900ms
expect task(worker(@runner,5)).se.sum_exec_runtime > 900ms
