"""How fast this machine is, and unspool and its peers on it: contenders take turns in one process."""
