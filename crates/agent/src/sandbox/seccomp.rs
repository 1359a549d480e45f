//! The system calls that nothing in a sandbox may make.

use std::collections::BTreeMap;
use std::io;

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

/// Refused always: namespaces, mounts, kernel memory and modules, keys, asynchronous rings.
const REFUSED: &[libc::c_long] = &[
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
];

/// The flags of clone(2) that make namespaces.
const NAMESPACES: libc::c_int = libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET;

/// The families of sockets there are in a sandbox: others lead past its network, to the hypervisor (vsock) or into rarely
/// used parts of the kernel.
const FAMILIES: &[libc::c_int] = &[libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

fn bad(error: impl std::fmt::Display) -> io::Error {
    io::Error::other(format!("the filter of system calls can't be made: {error}"))
}

/// The filter as bubblewrap reads it: programs of the kernel's packet filter, one after the other.
///
/// # Errors
/// On an architecture that it can't be made for.
pub(super) fn filter() -> io::Result<Vec<u8>> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    let each_flag = (0..32).map(|bit| 1_i32 << bit).filter(|flag| NAMESPACES & flag != 0);
    let clone = each_flag
        .map(|flag| {
            let flag = u64::try_from(flag).map_err(bad)?;
            let condition =
                SeccompCondition::new(0, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(flag), flag);
            SeccompRule::new(vec![condition.map_err(bad)?]).map_err(bad)
        })
        .collect::<io::Result<Vec<_>>>()?;
    rules.insert(libc::SYS_clone, clone);
    let other_families = FAMILIES
        .iter()
        .map(|family| {
            let family = u64::try_from(*family).map_err(bad)?;
            SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, family).map_err(bad)
        })
        .collect::<io::Result<Vec<_>>>()?;
    rules.insert(libc::SYS_socket, vec![SeccompRule::new(other_families).map_err(bad)?]);
    let refuse = u32::try_from(libc::EPERM).map_err(bad)?;
    let mut bytes = program(rules, refuse)?;
    // The flags of clone3 lie in memory, where no filter looks: libraries fall back to clone when it isn't there.
    let missing = u32::try_from(libc::ENOSYS).map_err(bad)?;
    // bubblewrap takes one program by this option, so the second set of rules joins the first one's end.
    let second = program(BTreeMap::from([(libc::SYS_clone3, Vec::new())]), missing)?;
    bytes = joined(bytes, second);
    // Before both, which compare numbers one by one.
    if cfg!(target_arch = "x86_64") {
        bytes = [other_numbers(refuse).to_vec(), bytes].concat();
    }
    Ok(bytes.concat())
}

fn program(rules: BTreeMap<i64, Vec<SeccompRule>>, errno: u32) -> io::Result<Vec<[u8; 8]>> {
    let architecture = std::env::consts::ARCH.try_into().map_err(bad)?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(errno), architecture)
        .map_err(bad)?;
    let program: BpfProgram = filter.try_into().map_err(bad)?;
    Ok(program
        .iter()
        .map(|step| {
            let [code_low, code_high] = step.code.to_ne_bytes();
            let [a, b, c, d] = step.k.to_ne_bytes();
            [code_low, code_high, step.jt, step.jf, a, b, c, d]
        })
        .collect())
}

/// One program that runs the first and, where that allows, the second: the first's "allow" becomes its end.
fn joined(first: Vec<[u8; 8]>, second: Vec<[u8; 8]>) -> Vec<[u8; 8]> {
    let allow = allow_step();
    let length = first.len();
    let mut both: Vec<[u8; 8]> = first
        .into_iter()
        .enumerate()
        .map(|(at, step)| if step == allow { jump(length - at - 1) } else { step })
        .collect();
    both.extend(second);
    both
}

/// The processor's x32 interface has the same calls by numbers of its own, from bit 30 up: refused whole.
fn other_numbers(errno: u32) -> [[u8; 8]; 3] {
    const FIRST: u32 = 0x4000_0000;
    let mut compare = step(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, FIRST);
    // Below it the next step, which refuses, is passed over.
    compare[3] = 1;
    let number_of_call = 0;
    [
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, number_of_call),
        compare,
        step(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ERRNO | errno),
    ]
}

fn step(code: u32, value: u32) -> [u8; 8] {
    let [a, b, c, d] = value.to_ne_bytes();
    let [low, high, ..] = code.to_ne_bytes();
    [low, high, 0, 0, a, b, c, d]
}

fn allow_step() -> [u8; 8] {
    step(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW)
}

/// An unconditional jump over so many steps.
fn jump(over: usize) -> [u8; 8] {
    step(libc::BPF_JMP | libc::BPF_JA, u32::try_from(over).unwrap_or(u32::MAX))
}
