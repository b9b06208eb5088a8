"""The search language: front ends compile text to one AST, two evaluators give it meaning."""
