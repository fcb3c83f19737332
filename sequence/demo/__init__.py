"""A small organization to look at, made by the same services that programs and staff use."""
