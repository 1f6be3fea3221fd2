using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Loadline.Measuring;

/// <summary>Which members of a JSON object are read into a type: over any other the serializer passes, and it takes no memory.</summary>
internal sealed class ReadMembers
{
    // Of the members that are read, with each character escaped.
    private const int MostNameBytes = 512;

    private readonly Lazy<ReadMembers?> _element;
    private readonly FrozenDictionary<string, Lazy<ReadMembers?>>? _members;

    private ReadMembers(JsonTypeInfo type)
    {
        _element = Later(type, type.ElementType);
        if (type.Kind == JsonTypeInfoKind.Object)
            _members = type.Properties.ToFrozenDictionary(property => property.Name, property => Later(type, property.PropertyType), StringComparer.Ordinal);
    }

    /// <summary>Of the elements of a list, or the values of a dictionary; null where any may be read.</summary>
    public ReadMembers? Element => _element.Value;

    /// <summary>Those of a type; null where any may be read, as where it is chosen by what the JSON says.</summary>
    public static ReadMembers? Of(JsonTypeInfo type) =>
        type.PolymorphismOptions is null && type.Kind is JsonTypeInfoKind.Object or JsonTypeInfoKind.Enumerable or JsonTypeInfoKind.Dictionary ? new ReadMembers(type) : null;

    /// <summary>Whether the member whose name was read last is read into the type, and what is read of its value.</summary>
    public bool Has(ref Utf8JsonReader reader, out ReadMembers? value)
    {
        value = null;
        if (_members is null)
        {
            value = Element;
            return true;
        }

        if (reader.ValueSpan.Length > MostNameBytes) return false;
        Span<char> name = stackalloc char[MostNameBytes];
        var length = reader.CopyString(name);
        if (!_members.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name[..length], out var found)) return false;
        value = found.Value;
        return true;
    }

    // A type may have members of its own kind.
    private static Lazy<ReadMembers?> Later(JsonTypeInfo type, Type? of) => new(() => of is not null && type.Options.TryGetTypeInfo(of, out var found) ? Of(found) : null);
}
