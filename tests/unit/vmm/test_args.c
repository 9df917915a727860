/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU's command line. */
#include "tests/expect.h"

#include "base/str.h"
#include "vmm/args.h"

static const struct topology uma = {1, 1, 4, 1}, numa = {2, 4, 2, 1};
static const struct ram one = {
	.size = 512 << 20, .pieces = {{.fd = 9, .len = 512 << 20}}, .piece_count = 1};
static const struct ram two = {
	.size = 512 << 20,
	.pieces = {{.fd = 9, .len = 256 << 20}, {.fd = 10, .offset = 256 << 20, .len = 256 << 20}},
	.piece_count = 2,
};

static struct qemu_setup setup(void)
{
	return (struct qemu_setup){
		.program = "/usr/bin/qemu",
		.topology = &uma,
		.memory = 512 << 20,
		.ram = &one,
		.accel = ACCEL_TCG,
		.clock = CLOCK_VIRTUAL,
		.kernel = "/boot/vmlinuz",
		.append = "console=ttyS0 quiet",
		.initrd_fd = 5,
		.qmp_fd = 6,
		.console_fd = 7,
		.debug_fd = 8,
		.page_fd = 11,
		.plugin = "/lib/plugin.so",
	};
}

/* The words with a blank between them; caller frees. */
static char *line(const struct qemu_setup *s, bool identity)
{
	struct args args = {0};
	struct str text = {0};

	if (identity)
		expect_ok(qemu_args_identity(s, &args));
	else
		expect_ok(qemu_args(s, &args));
	for (unsigned int i = 0; i < args.count; i++)
		str_addf(&text, "%s ", args.list[i]);
	assert_null(args.list[args.count]);
	args_deinit(&args);
	return str_take(&text);
}

#define has(text, part) assert_non_null(strstr(text, part))
#define has_not(text, part) assert_null(strstr(text, part))

static void virtual_clock(void **state)
{
	struct qemu_setup s = setup();
	char *text = line(&s, false);

	has(text, "/usr/bin/qemu -nodefaults -no-user-config -M q35,hpet=off,");
	has(text,
	    " -accel tcg,thread=single -icount shift=1,sleep=off -rtc base=2020-01-01,clock=vm ");
	has(text, " -cpu max,-rdrand,-rdseed,-cx16 ");
	has(text, " -smp 4,sockets=1,cores=4,threads=1 -m 512M ");
	has(text, ",memory-backend=ram0 ");
	has(text, "memory-backend-file,id=ram0,share=on,size=536870912,mem-path=/proc/self/fd/9 ");
	has(text, " -plugin /lib/plugin.so,page=11,ram=9 ");
	has(text,
	    " -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny ");
	has(text, " -kernel /boot/vmlinuz -append console=ttyS0 quiet -initrd /proc/self/fd/5 ");
	has(text, "socket,id=qmp,fd=6 ");
	has(text, " -S ");
	has_not(text, "-incoming");
	has_not(text, "-netdev");
	has_not(text, "-gdb");
	free(text);
}

static void real_clock(void **state)
{
	struct qemu_setup s = setup();
	char *text;

	s.clock = CLOCK_REAL;
	s.gdb_socket = "/tmp/gdb";
	s.incoming = true;
	text = line(&s, false);
	has(text, " -accel tcg,thread=multi ");
	has(text, " -incoming defer ");
	has(text, "server=on,wait=off,path=/tmp/gdb -gdb chardev:gdb ");
	has_not(text, "icount");
	has(text, " -plugin /lib/plugin.so ");
	free(text);
	s.plugin = NULL;
	s.accel = ACCEL_KVM;
	text = line(&s, false);
	has_not(text, "-plugin");
	has(text, " -cpu host -accel kvm ");
	free(text);
}

static void numa_nodes(void **state)
{
	struct qemu_setup s = setup();
	char *text;

	s.topology = &numa;
	s.ram = &two;
	text = line(&s, false);
	has_not(text, "memory-backend=ram0");
	has(text, "id=ram1,share=on,size=268435456,mem-path=/proc/self/fd/10 ");
	has(text, " -numa node,nodeid=0,memdev=ram0 -numa node,nodeid=1,memdev=ram1 ");
	has(text, " -numa cpu,node-id=0,socket-id=0 -numa cpu,node-id=0,socket-id=1 "
		  "-numa cpu,node-id=1,socket-id=2 -numa cpu,node-id=1,socket-id=3 ");
	has(text, ",page=11,ram=9,ram=10 ");
	free(text);
}

/* Two machines are one exactly when their states are interchangeable. */
static void identity(void **state)
{
	struct qemu_setup s = setup(), t = setup();
	char *a = line(&s, true), *b;

	t.initrd_fd = 50;
	t.qmp_fd = 60;
	t.console_fd = 70;
	t.page_fd = 80;
	t.plugin = "/elsewhere.so";
	t.program = "/opt/qemu";
	t.ram = NULL;
	b = line(&t, true);
	assert_string_equal(a, b);
	free(b);
	t.memory = 1024 << 20;
	b = line(&t, true);
	assert_string_not_equal(a, b);
	free(b);
	t = setup();
	t.append = "console=ttyS0 quiet nokaslr";
	b = line(&t, true);
	assert_string_not_equal(a, b);
	free(b);
	t = setup();
	t.topology = &numa;
	b = line(&t, true);
	assert_string_not_equal(a, b);
	free(b);
	free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(virtual_clock),
		cmocka_unit_test(real_clock),
		cmocka_unit_test(numa_nodes),
		cmocka_unit_test(identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
