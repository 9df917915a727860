ktdbg recording 1
topology 2n2l4c1t
clock virtual

# Threads that fault in the same fresh memory, and processes that do so for themselves.
spawn @runner workers=4 work=cache-pressure(524288) clone=thread
spawn @runner workers=4 work=page-fault
spawn @runner workers=4 work=fork-exit
run 400ms
tasks columns pid,comm,state,cpu,runtime,switches
cpus
run 400ms
tasks columns pid,comm,state,cpu,runtime,switches
print workers(@runner)
dmesg 5
