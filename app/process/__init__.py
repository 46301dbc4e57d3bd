"""Deals with the process and its machine: signals, threads, standard streams, native libraries."""
