ktdbg recording 1
topology 1n1l4c1t
clock virtual

# Steal is exactly what was injected, and the task on the CPU got nothing in that time.
spawn @runner workers=4 work=spin affinity=each
[0.200000000] steal inject cpu:1 10ms
  | cpu  injected  steal
  |   1      10ms   10ms
expect time == 210ms
expect steal(1) == 10ms
expect steal(0) == 0
steal inject cpu:all 20ms
expect time == 230ms
expect steal(1) == 30ms
expect steal(3) == 20ms
# One CPU stands for a quarter of a second and the others do not notice.
[0.300000000] stall cpu:2 250ms
  | cpu:2 stands until 0.550000000
[1.000000000] expect workers(@runner).max_gap >= 250ms && workers(@runner).max_gap < 260ms
