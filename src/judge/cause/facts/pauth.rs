//! What is said of the proxy's authentication.

use super::CauseFacts;
use crate::judge::{Owner, Status};

pub(super) const REQUIRED: CauseFacts = CauseFacts::new(
    "pauth.required",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy asks for authentication",
    "let these hosts through without authentication",
);

pub(super) const NO_CHALLENGE: CauseFacts = CauseFacts::new(
    "pauth.no_challenge",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy asks for authentication without saying how",
    "correct the proxy: its 407 carries no Proxy-Authenticate header that can be read",
);

pub(super) const WRONG_CODE: CauseFacts = CauseFacts::new(
    "pauth.wrong_code",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy asks for authentication with the status of a web server",
    "correct the proxy: it must answer 407 with a Proxy-Authenticate header",
);

pub(super) const NO_COMMON_SCHEME: CauseFacts = CauseFacts::new(
    "pauth.no_common_scheme",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy does not offer the scheme that was asked for",
    "enable the scheme on the proxy, or let these hosts through without authentication",
);

pub(super) const REJECTED: CauseFacts = CauseFacts::new(
    "pauth.rejected",
    Status::Blocked,
    Owner::DirectoryTeam,
    "The user name, the password or the ticket is rejected",
    "check the account and its password, which is tried once per run, so that the account is not locked; where a ticket is \
     rejected, check the proxy's keytab",
);

pub(super) const DENIED_AFTER_AUTH: CauseFacts = CauseFacts::new(
    "pauth.denied_after_auth",
    Status::Blocked,
    Owner::ProxyTeam,
    "The account is known but not allowed to reach the hosts",
    "allow these hosts for the account or its group",
);

pub(super) const DIGEST_STALE_LOOP: CauseFacts = CauseFacts::new(
    "pauth.digest_stale_loop",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy calls every fresh Digest nonce stale",
    "check the clock and the nonce lifetime of the proxy",
);

pub(super) const DIGEST_UNSUPPORTED: CauseFacts = CauseFacts::new(
    "pauth.digest_unsupported",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy offers a kind of Digest that no client knows",
    "offer MD5 or SHA-256 with qop=auth",
);

pub(super) const LOOP: CauseFacts = CauseFacts::new(
    "pauth.loop",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy asks for authentication again and again",
    "look in the proxy's log why no answer satisfies it",
);

pub(super) const BASIC_CLEARTEXT: CauseFacts = CauseFacts::new(
    "pauth.basic_cleartext",
    Status::Blocked,
    Owner::Operator,
    "The password was not sent, because the connection to the proxy is not encrypted",
    "use an https proxy, or allow it with --allow-basic-cleartext",
);

pub(super) const NTLM_CLOSED_MID: CauseFacts = CauseFacts::new(
    "pauth.ntlm_closed_mid",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy closes the connection between the messages of NTLM",
    "keep the connection open while a client signs in (Squid: auth_param ntlm keep_alive on), and let a \
                 balancer keep each client on one node",
);

pub(super) const RECONNECT_ON_407: CauseFacts = CauseFacts::new(
    "pauth.reconnect_on_407",
    Status::Ok,
    Owner::ProxyTeam,
    "The proxy closes the connection with its 407, so that each client has to connect again",
    "nothing has to change; keeping the connection would save every client a round trip",
);

pub(super) const NTLM_EARLY_200: CauseFacts = CauseFacts::new(
    "pauth.ntlm_early_200",
    Status::Ok,
    Owner::ProxyTeam,
    "The proxy opens the tunnel before it has seen an answer to its challenge",
    "check whether the proxy remembers users by their address: whoever comes next from there is taken for them",
);

pub(super) const NEGO_IS_NTLM: CauseFacts = CauseFacts::new(
    "pauth.nego_is_ntlm",
    Status::Ok,
    Owner::DirectoryTeam,
    "Negotiate works by NTLM, not by Kerberos",
    "where Kerberos is wanted, register the service principal HTTP/ with the proxy's name and give clients that \
                 name",
);

pub(super) const LB_SPLIT: CauseFacts = CauseFacts::new(
    "pauth.lb_split",
    Status::Blocked,
    Owner::ProxyTeam,
    "Another node of the proxy answers in the middle of a sign-in, and knows nothing of it",
    "let the balancer keep each client on one node for as long as its connection lasts",
);

pub(super) const INTERMITTENT: CauseFacts = CauseFacts::new(
    "pauth.intermittent",
    Status::Degraded,
    Owner::ProxyTeam,
    "The proxy takes a login, and refuses the same login at another time",
    "look at what checks the passwords (too few helpers, a domain controller that does not answer, nodes that are set up differently), or check again with a lower --max-connects",
);

pub(super) const NEEDS_PROXY_CONNECTION: CauseFacts = CauseFacts::new(
    "pauth.needs_proxy_connection",
    Status::Ok,
    Owner::ProxyTeam,
    "The proxy speaks HTTP/1.0 and keeps the connection of a sign-in by the header Proxy-Connection alone",
    "nothing has to change: Windows sends that header; devices before the proxy must not remove it",
);

pub(super) const KRB_NO_TICKET: CauseFacts = CauseFacts::new(
    "pauth.krb_no_ticket",
    Status::NotTested,
    Owner::DesktopTeam,
    "There is no Kerberos ticket to show to the proxy",
    "sign in to the domain, on Linux by kinit, or give a name with a password; a device that gets no ticket at sign-in has to reach a domain controller",
);

pub(super) const KRB_SPN_UNKNOWN: CauseFacts = CauseFacts::new(
    "pauth.krb_spn_unknown",
    Status::Blocked,
    Owner::DirectoryTeam,
    "The directory does not know the proxy's service, so that nobody gets a ticket for it",
    "register the service principal HTTP/ with the proxy's name, as clients are given it, for the proxy's account (setspn -S); where it is \
     registered, look for a second account that has it too (setspn -X): then it is as unknown as without any",
);

pub(super) const KRB_CNAME: CauseFacts = CauseFacts::new(
    "pauth.krb_cname",
    Status::Blocked,
    Owner::DirectoryTeam,
    "The directory knows the proxy's service under the proxy's canonical name only",
    "give clients the proxy's canonical name, or register the service principal for the name that they use",
);

pub(super) const KRB_IP_LITERAL: CauseFacts = CauseFacts::new(
    "pauth.krb_ip_literal",
    Status::Blocked,
    Owner::DesktopTeam,
    "The proxy is given by its address, and Kerberos goes by names",
    "configure the proxy by its host name",
);

pub(super) const KRB_DUPLICATE_SPN: CauseFacts = CauseFacts::new(
    "pauth.krb_duplicate_spn",
    Status::Blocked,
    Owner::DirectoryTeam,
    "The proxy cannot read the ticket, which is made with another key than the proxy's",
    "remove the service principal from every account but the proxy's (setspn -X lists duplicates), and give the proxy a new keytab of that account",
);

pub(super) const KRB_SKEW: CauseFacts = CauseFacts::new(
    "pauth.krb_skew",
    Status::Blocked,
    Owner::DesktopTeam,
    "Clocks differ too much for Kerberos",
    "set the clocks of this machine, the proxy and the domain controllers by the same time server; they may differ by five minutes",
);

pub(super) const KRB_ETYPE: CauseFacts = CauseFacts::new(
    "pauth.krb_etype",
    Status::Blocked,
    Owner::DirectoryTeam,
    "Client, directory and proxy have no Kerberos encryption in common",
    "allow AES for the account, and set its password anew so that it has AES keys; give the proxy a new keytab afterwards",
);

pub(super) const KRB_KDC_UNREACHABLE: CauseFacts = CauseFacts::new(
    "pauth.krb_kdc_unreachable",
    Status::Blocked,
    Owner::DirectoryTeam,
    "No domain controller answers for Kerberos",
    "let this machine find a domain controller (DNS, or krb5.conf) and reach it on port 88, by TCP and UDP",
);

pub(super) const KRB_TOKEN_TOO_BIG: CauseFacts = CauseFacts::new(
    "pauth.krb_token_too_big",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy refuses a request with a Kerberos ticket of this size",
    "raise the proxy's limit for request headers (Squid: request_header_max_size), or take the account out of groups: each makes the ticket larger",
);

pub(super) const ACCOUNT_LOCKED: CauseFacts = CauseFacts::new(
    "pauth.account_locked",
    Status::Blocked,
    Owner::DirectoryTeam,
    "The account is locked",
    "find out who tries wrong passwords, and unlock the account",
);

pub(super) const ACCOUNT_EXPIRED: CauseFacts = CauseFacts::new(
    "pauth.expired",
    Status::Blocked,
    Owner::DirectoryTeam,
    "The account or its password has expired",
    "extend the account, or set a new password",
);

pub(super) const ACCOUNT_DISABLED: CauseFacts = CauseFacts::new(
    "pauth.disabled",
    Status::Blocked,
    Owner::DirectoryTeam,
    "The directory has revoked the account: it is disabled, locked or expired",
    "enable, unlock or extend the account, or use another one; the directory's log says which of them it is",
);
