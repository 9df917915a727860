ktdbg recording 1
topology 1n1l2c1t
clock real
cpu-budget 1

# saved, and back two seconds later: the gap is steal and runnable time, nobody ran in it
spawn @runner workers=3 work=spin
sched attach vtime
run 500ms
let s steal(1)
let r runstate(1).runnable
let u runstate(1).running
let j jiffies
let i workers(@runner).iterations
checkpoint save migration-gap
checkpoint restore migration-gap gap 2s
expect steal(1) - $s >= 2s && steal(1) - $s <= 2050ms
expect runstate(1).runnable - $r >= 2s && runstate(1).runnable - $r <= 2050ms
expect runstate(1).running - $u < 50ms
expect scx.state == "enabled"
thaw
wait workers(@runner).iterations > $i timeout 60s
# its own clock is ahead by the gap
expect jiffies - $j >= 490
# and hidden
let s steal(1)
checkpoint save migration-gap
checkpoint restore migration-gap gap 0
expect steal(1) - $s < 50ms
thaw
wait steal(1) > $s timeout 60s
checkpoint delete migration-gap
