"""Kafka, Redis and a Flink cluster on this machine, started from wheels and jars: no root, no containers, no Maven.

The job itself never asks whether it runs here or in production: what starts here ends as three addresses.
"""
