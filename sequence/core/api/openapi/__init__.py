"""OpenAPI document, made from the declarations that answer."""
