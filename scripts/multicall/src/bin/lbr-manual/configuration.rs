//! The man page of `lbr.toml`: the file as it is installed, which explains itself.

use crate::page::title;
use crate::roff;

/// lbr.toml(5).
pub fn page(file: &str) -> String {
    let mut page = title("LBR.TOML", '5');
    page += ".SH NAME\nlbr.toml \\- configuration of the OpenWSN border router\n";
    page += ".SH SYNOPSIS\n.I /etc/lbr/lbr.toml\n";
    page += ".SH DESCRIPTION\n";
    page += &roff::text(
        "One file for all processes of the router. It says nothing that a flag cannot: a key is the long name of a flag, and a flag on the command line overrides it. What is commented out is the default. `--check-config` of each process checks the file without starting anything, and SIGHUP reads it again.",
    );
    page += ".SH THE FILE\n";
    page += &roff::literal(file);
    page += ".SH SEE ALSO\n.BR serial\\-bridge (8),\n.BR eventbus (8),\n.BR ui\\-proxy (8),\n.BR mq\\-inspect (1)\n";
    page
}
