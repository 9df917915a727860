ktdbg recording 1
clock virtual

# A scenario: a backdrop that is there all the time, and steps that come and go. What a step made is gone
# with it; what it measured stays.
backdrop for=1s
def base cpuset=0-1 workers=2 work=spin
end
step hold=frac:0.2
spawn base workers=1 work=sleep(5ms) comm=guest
def web weight=300 workers=2 work=mixed
expect workers(web).count == 2 && workers(base).count == 3
end
expect workers(base).count == 2 && workers(web).count == 0
expect step(1).result == "held" && step(1).held == 200ms && step(1).ops == 2
expect step(1,web).starved == 0 && step(1,web).outside == 0 && step(1,web).max_gap < 50ms
expect step(1,base).outside == 0
cgroup list
  | base

# Workers of the backdrop are measured in each step anew.
step hold=100ms
end
expect step(2,base).cpu_time < 210ms && step(2,base).iterations == step(2).iterations
steps
  | step  kind .* result (re)
  |    0  backdrop .* held (re)
  |    1  hold .* held (re)
  |    2  hold .* held (re)

# What is wrong in a step is found before anything is made.
step hold=1s
def good workers=2
def bad cpuset=0-99
end
  | error: line 2: cpuset=0-99: * (glob)
cgroup list
  | base
scenario end
cgroup list
