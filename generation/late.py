"""Values whose dear fields are found out when somebody asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any, Self

_WAYS = "_ways"


class Late:
    """Base of a frozen dataclass without slots, of which a field may be left for later.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Sum(Late):
    ...     name: str
    ...     value: int
    >>> late = Sum.later({"value": lambda: sum(range(5))}, {"name": "late"})
    >>> late == Sum("late", 10), late
    (True, Sum(name='late', value=10))
    >>> "value" in dir(Sum.later({"value": lambda: 10}, {"name": "late"}))
    True
    """

    @classmethod
    def later(
        cls,
        ways: dict[str, Callable[[], Any]],
        known: Mapping[str, Any] | Iterable[tuple[str, Any]],
    ) -> Self:
        """A value of ``known`` fields, and of those that ``ways`` find out, once each: one is
        forgotten then."""
        found = cls.__new__(cls)
        own = vars(found)
        own.update(known)
        own[_WAYS] = ways
        return found

    def __getattr__(self, name: str) -> Any:
        own = vars(self)
        way = own.get(_WAYS, {}).get(name)
        if way is None:
            if name in own:  # another thread has just found it
                return own[name]
            raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")
        value = own.setdefault(name, way())
        # It may hold much else.
        own[_WAYS].pop(name, None)
        return value

    def __dir__(self) -> list[str]:
        """With the fields that nobody has asked for yet, which a prompt completes, too."""
        late: Any = self
        return sorted({*super().__dir__(), *(field.name for field in fields(late))})

    def __reduce__(self) -> tuple[Any, ...]:
        values = [getattr(self, field.name) for field in fields(self)]  # type: ignore[arg-type]
        return type(self), tuple(values)
