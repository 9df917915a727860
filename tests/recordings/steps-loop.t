ktdbg recording 1
clock virtual

# A loop step: its definitions once, its ops again and again. Workers that are moved to the backdrop stay.
backdrop
def pool weight=100
end
step loop=100ms for=300ms
def churn workers=2 work=spin
cgroup freeze churn
cgroup unfreeze churn
cgroup set churn weight=50
end
expect step(1).turns == 3 && step(1).ops == 10
expect step(1,churn).iterations > 0 && step(1,churn).starved == 0
step hold=50ms
cgroup add short
spawn short workers=2 work=yield
cgroup move short pool
end
expect workers(pool).count == 2
cgroup list
  | pool

# The other way they would end with the step, which is refused.
step hold=50ms
cgroup add short
cgroup move pool short
end
  | error: line 2: cgroup: short would take the workers of pool with it when its step ends
expect workers(pool).count == 2
scenario end
expect workers(pool).count == 0
