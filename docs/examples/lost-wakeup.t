ktdbg recording 1
topology 1n1l4c1t
clock virtual

# A scheduler with a race: a CPU looks at its queue and then falls asleep, and a wakeup in between is lost.
# Under the default quantum nobody comes in between; `ktdbg --batch --explore 50` finds somebody who does.
sched attach broken race
spawn @runner workers=4 work=wake-chain
run 500ms
expect workers(@runner).max_gap < 100ms
