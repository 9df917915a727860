# SPDX-License-Identifier: GPL-2.0-or-later
"""A drgn program for a kernel of which no DWARF can be had: types and variables from the BTF in its memory.

The reader here shares nothing with ktdbg's, so it serves as a second opinion. BTF describes per-CPU variables;
the others that the comparison needs are declared below.
"""
import struct

import drgn
from drgn import FindObjectFlags, Object, TypeEnumerator, TypeKind, TypeMember, TypeParameter
from drgn.helpers.linux.kallsyms import load_vmlinux_kallsyms

VARIABLES = {
    "__cpu_online_mask": "struct cpumask",
    "__cpu_possible_mask": "struct cpumask",
    "__per_cpu_offset": "unsigned long [8192]",
    "__scx_switched_all": "struct static_key_false",
    "cgrp_dfl_root": "struct cgroup_root",
    "clocksource_jiffies": "struct clocksource",
    "init_pid_ns": "struct pid_namespace",
    "init_task": "struct task_struct",
    "jiffies_64": "unsigned long",
    "nr_cpu_ids": "unsigned int",
    "nr_node_ids": "unsigned int",
    "scx_aborting": "bool",
    "scx_bypass_depth": "int",
    "scx_enable_seq": "atomic_long_t",
    "scx_enable_state_var": "atomic_t",
    "scx_nr_rejected": "atomic_long_t",
    "scx_ops_enable_state_var": "atomic_t",
    "scx_root": "struct scx_sched *",
    "scx_watchdog_timeout": "unsigned long",
    "task_state_array": "char *[9]",
    "timekeeper_data": "struct tk_data",
    "tk_core": "struct tk_data",
}

(INT, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC, FUNC_PROTO, VAR, DATASEC,
 FLOAT, DECL_TAG, TYPE_TAG, ENUM64) = range(1, 20)
# 32-bit words behind the three that every type has: (always, for each of vlen)
WORDS = {INT: (1, 0), ARRAY: (3, 0), STRUCT: (0, 3), UNION: (0, 3), ENUM: (0, 2), FUNC_PROTO: (0, 2), VAR: (1, 0),
         DATASEC: (0, 3), DECL_TAG: (1, 0), ENUM64: (0, 3)}
FINDABLE = {TypeKind.STRUCT: STRUCT, TypeKind.UNION: UNION, TypeKind.ENUM: ENUM, TypeKind.TYPEDEF: TYPEDEF,
            TypeKind.INT: INT, TypeKind.BOOL: INT, TypeKind.FLOAT: FLOAT}
# As C programmers write what BTF calls by gcc's names.
SPELLINGS = {"int": ("signed int",), "long": ("long int",), "unsigned long": ("long unsigned int",),
             "long long": ("long long int",), "unsigned long long": ("long long unsigned int",),
             "short": ("short int",), "unsigned short": ("short unsigned int",), "bool": ("_Bool",)}


class Btf:
    """The records of a BTF section."""

    def __init__(self, data):
        magic, _, _, header, type_off, type_len, str_off, str_len = struct.unpack_from("<HBBIIIII", data)
        if magic != 0xeb9f:
            raise ValueError("no BTF")
        self.data = data
        self.str_off = header + str_off
        self.strings = data[self.str_off:self.str_off + str_len]
        self.offsets = [None]  # by type id, into data
        self.by_name = {}
        at, end = header + type_off, header + type_off + type_len
        while at < end:
            name, info = struct.unpack_from("<II", data, at)
            kind, vlen = info >> 24 & 31, info & 0xffff
            if name:
                self.by_name.setdefault((self.string(name), ENUM if kind == ENUM64 else kind), len(self.offsets))
            self.offsets.append(at)
            always, each = WORDS.get(kind, (0, 0))
            at += 12 + 4 * (always + each * vlen)

    def string(self, offset):
        return self.strings[offset:self.strings.index(b"\0", offset)].decode()

    def find(self, name, kind):
        for spelling in (name, *SPELLINGS.get(name, ())):
            if (spelling, kind) in self.by_name:
                return self.by_name[spelling, kind]
        return None

    def record(self, number):
        """(name, kind, flag, size or type, offset of what follows, vlen)"""
        at = self.offsets[number]
        name, info, size = struct.unpack_from("<III", self.data, at)
        return self.string(name), info >> 24 & 31, info >> 31, size, at + 12, info & 0xffff

    def words(self, at, count):
        return struct.unpack_from(f"<{count}I", self.data, at)


class Types:
    """drgn's types made of BTF records, each when it is asked for."""

    def __init__(self, prog, btf):
        self.prog, self.btf, self.made = prog, btf, {0: prog.void_type()}

    def get(self, number):
        if number not in self.made:
            self.made[number] = self.make(*self.btf.record(number))
        return self.made[number]

    def make(self, name, kind, flag, size, at, vlen):
        prog, words = self.prog, self.btf.words
        if kind == INT:
            encoding = words(at, 1)[0] >> 24 & 15
            if encoding & 4:
                return prog.bool_type(name, size)
            return prog.int_type(name, size, bool(encoding & 1))
        if kind == PTR:
            return prog.pointer_type(self.get(size))
        if kind == ARRAY:
            element, _, count = words(at, 3)
            return prog.array_type(self.get(element), count)
        if kind in (STRUCT, UNION):
            make = prog.struct_type if kind == STRUCT else prog.union_type
            return make(name or None, size, [self.member(at + 12 * i, flag) for i in range(vlen)])
        if kind in (ENUM, ENUM64):
            return self.enum(name, kind, flag, size, at, vlen)
        if kind == FWD:
            make = prog.union_type if flag else prog.struct_type
            return make(name)
        if kind == TYPEDEF:
            return prog.typedef_type(name, self.get(size))
        if kind == FUNC_PROTO:
            parameters = [words(at + 8 * i, 2) for i in range(vlen)]
            return prog.function_type(self.get(size), [TypeParameter(self.get(t), self.btf.string(n))
                                                       for n, t in parameters if t])
        if kind == FLOAT:
            return prog.float_type(name, size)
        return self.get(size)  # const, volatile, tags: what they stand before

    def member(self, at, flag):
        name, number, offset = self.btf.words(at, 3)
        bits = offset >> 24 if flag else 0
        lazy = (lambda: Object(self.prog, self.get(number), bit_field_size=bits)) if bits else (
            lambda: self.get(number))
        return TypeMember(lazy, self.btf.string(name) or None, offset & 0xffffff if flag else offset)

    def enum(self, name, kind, signed, size, at, vlen):
        step, enumerators = 8 if kind == ENUM else 12, []
        for i in range(vlen):
            word = self.btf.words(at + step * i, step // 4)
            value = word[1] | (word[2] << 32 if kind == ENUM64 else 0)
            bits = 64 if kind == ENUM64 else 32
            if signed and value >> bits - 1:
                value -= 1 << bits
            enumerators.append(TypeEnumerator(self.btf.string(word[0]), value))
        if size == 8 or not signed:
            integer = self.prog.int_type("enum", size, bool(signed))
        else:
            integer = self.prog.int_type("int", 4, True)
        return self.prog.enum_type(name or None, integer, enumerators)


def bare_program(core):
    """A program for `core` that knows symbols only."""
    prog = drgn.Program()
    prog.set_core_dump(core)
    prog.register_symbol_finder("kallsyms", load_vmlinux_kallsyms(prog), enable_index=0)
    return prog


def section(prog):
    """The address of the kernel's BTF, and what is in it."""
    start, stop = (prog.symbol(f"__{end}_BTF").address for end in ("start", "stop"))
    return start, Btf(prog.read(start, stop - start))


def program(core):
    """A program for `core` that knows what the kernel's own BTF says."""
    prog = bare_program(core)
    _, btf = section(prog)
    types = Types(prog, btf)

    def find_type(prog, kinds, name, filename):
        for kind in kinds:
            number = btf.find(name, FINDABLE[kind]) if kind in FINDABLE else None
            if number is not None:
                return types.get(number)
        return None

    def find_object(prog, name, flags, filename):
        if flags & FindObjectFlags.VARIABLE:
            number = btf.find(name, VAR)
            kind = types.get(number) if number is not None else VARIABLES.get(name)
            if kind is not None:
                try:
                    return Object(prog, kind, address=prog.symbol(name).address)
                except LookupError:
                    return None
        if flags & FindObjectFlags.CONSTANT and name in constants:
            return Object(prog, types.get(constants[name]), dict(
                (e.name, e.value) for e in types.get(constants[name]).enumerators)[name])
        return None

    constants = enumerator_owners(btf)
    prog.register_type_finder("btf", find_type, enable_index=0)
    prog.register_object_finder("btf", find_object, enable_index=0)
    return prog


def enumerator_owners(btf):
    """The id of the enum that has each enumerator."""
    owners = {}
    for number in range(1, len(btf.offsets)):
        _, kind, _, _, at, vlen = btf.record(number)
        step = {ENUM: 8, ENUM64: 12}.get(kind)
        for i in range(vlen if step else 0):
            owners.setdefault(btf.string(btf.words(at + step * i, 1)[0]), number)
    return owners
