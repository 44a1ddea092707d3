"""The offline AWS: moto in one process, repaired, with real Lambda workers."""
