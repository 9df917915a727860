ktdbg recording 1
topology 1n1l4c1t
clock virtual

# Counters are sampled when asked for, at exact moments; limits are enforced when asked for.
counters check
  | error: counters check: `counters start` comes first
counters rates
  | error: counters: nothing was sampled; `counters start`, then let guest time pass
counters start
run 1s
counters check
thaw
# Eight tasks that may only run on CPU 2 make it eight times as busy as the others.
spawn @runner workers=8 work=spin comm=pinned affinity=2
counters reset
run 1s
counters thresholds
  | threshold      limit      worst  cpu  in_a_row  violated
  | imbalance        4.0        8.0             10  yes
  | local_dsq         50          0              0  no
  | stuck      5 samples  0 samples              0  no
  | fallback       200/s        0/s              0  no
  | keep_last      100/s        0/s              0  no
counters thresholds imbalance=9
counters check
counters thresholds imbalance=4 samples=11
counters check
expect counter(nr_running,2) >= 8
expect counter(switches,2) == rq(2).nr_switches
expect counter(wakeups) > 0
thaw
watch counter(nr_running,2) >= 8 every 100ms for 1s
  | *  1 (glob)
