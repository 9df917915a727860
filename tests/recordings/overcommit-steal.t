ktdbg recording 1
topology 1n2l4c1t
clock real
cpu-budget 2

# eight vCPUs on two host CPUs: each is robbed, and the guest's account is the host's
budget
  | ^budget of 2 host CPUs: [0-9,-]+$ (re)
spawn @runner workers=8 work=spin
run 200ms
let s0 steal(0)
let s1 steal(1)
let s2 steal(2)
let s3 steal(3)
let s4 steal(4)
let s5 steal(5)
let s6 steal(6)
let s7 steal(7)
let r0 runstate(0).runnable
let r7 runstate(7).runnable
run 5s
expect steal(0) > $s0 && steal(1) > $s1 && steal(2) > $s2 && steal(3) > $s3
expect steal(4) > $s4 && steal(5) > $s5 && steal(6) > $s6 && steal(7) > $s7
# to 5 % and a tick
expect (steal(0) - $s0) * 20 <= (runstate(0).runnable - $r0) * 21 + 200ms
expect (steal(0) - $s0) * 20 + 200ms >= (runstate(0).runnable - $r0) * 19
expect (steal(7) - $s7) * 20 <= (runstate(7).runnable - $r7) * 21 + 200ms
expect (steal(7) - $s7) * 20 + 200ms >= (runstate(7).runnable - $r7) * 19
# another budget while it runs
budget 1
  | ^budget of 1 host CPU: [0-9]+$ (re)
run 300ms
budget 2
  | ^budget of 2 host CPUs: [0-9,-]+$ (re)
