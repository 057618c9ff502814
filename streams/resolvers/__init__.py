"""The resolvers that come along: each module gives one as `resolver`, as an entry point would."""
