ktdbg recording 1
topology 1n1l4c1t
clock virtual

# Workers of a cgroup get on with their work, and are gone with it.
cgroup add web weight=200
expect cgroup(web).nr_descendants == 0
spawn web workers=2 work=spin
expect workers(web).count == 2
let first worker(web,0)
expect task($first).comm ~ "^spin-"
wait workers(web).iterations > 1000 timeout 5s
expect workers(web).max_gap < 1s
until workers(web).iterations > 2000
expect frozen && cpu(task($first).thread_info.cpu).nr_running >= 1
tasks where comm ~ "^spin" columns comm,state,class
  | comm    state  class
  | spin-0  R      fair
  | spin-1  R      fair
thaw
cgroup remove web
expect workers(web).count == 0
