ktdbg recording 1
topology 1n1l4c1t
clock real

# the kernel patches its code beside busy CPUs: QEMU 7.2 used to execute an int3 that was gone
spawn @runner workers=8 work=spin
sched attach vtime
sched replace fifo
sched detach
sched attach vtime
sched replace fifo
sched detach
sched attach vtime
sched replace fifo
sched detach
sched attach vtime
sched replace fifo
sched detach
sched attach vtime
sched replace fifo
sched detach
sched attach vtime
sched replace fifo
sched detach
sched attach vtime
sched replace fifo
sched detach
sched attach vtime
sched replace fifo
sched detach
sched attach vtime
sched replace fifo
sched detach
sched attach vtime
sched replace fifo
sched detach
sched attach vtime
sched replace fifo
sched detach
sched attach vtime
sched replace fifo
sched detach
sched attach vtime
sched replace fifo
sched detach
sched attach vtime
sched replace fifo
sched detach
sched attach vtime
sched replace fifo
sched detach
sched attach vtime
sched replace fifo
sched detach
sched attach vtime
sched replace fifo
sched detach
sched attach vtime
sched replace fifo
sched detach
sched attach vtime
sched replace fifo
sched detach
sched attach vtime
sched replace fifo
sched detach
expect scx.state == "disabled"
