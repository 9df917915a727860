ktdbg recording 1
topology 1n1l2c1t
clock virtual

# what follows a saving and what follows a restore are the same to the nanosecond
sched attach vtime
spawn @runner workers=3 work=spin
spawn @runner workers=2 work=sequence(spin:3ms,sleep:5ms)
run 300ms
stall cpu:1 30ms
let t time
checkpoint save exact
expect time == $t
run 1s
let c0 rq(0).clock
let c1 rq(1).clock
let n0 rq(0).nr_switches
let n1 rq(1).nr_switches
let i workers(@runner).iterations
checkpoint restore exact
expect time == $t
run 1s
expect rq(0).clock == $c0 && rq(1).clock == $c1
expect rq(0).nr_switches == $n0 && rq(1).nr_switches == $n1
expect workers(@runner).iterations == $i
# a gap is ahead on the guest's clock, and steal on every CPU, exactly
checkpoint restore exact
let s0 steal(0)
let s1 steal(1)
let i workers(@runner).iterations
let j jiffies
checkpoint restore exact gap 2500ms
expect time == $t + 2500ms
expect steal(0) == $s0 + 2500ms && steal(1) == $s1 + 2500ms
expect workers(@runner).iterations == $i
expect scx.state == "enabled"
run 1s
expect jiffies - $j >= 874 && jiffies - $j <= 876
expect workers(@runner).iterations > $i
expect workers(@runner).count == 5
let c0 rq(0).clock
let n1 rq(1).nr_switches
checkpoint restore exact gap 2500ms
run 1s
expect rq(0).clock == $c0 && rq(1).nr_switches == $n1
# what cannot be is said
checkpoint restore exact gap real
  | error: under the virtual clock nothing depends on the host's time: give the gap as a time
checkpoint delete exact
checkpoint restore exact
  | error: checkpoint exact: there is no such checkpoint
