using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;

namespace Loadline.Harness.Budgets;

/// <summary>
/// Takes the members of one object out by name and type. What was never asked for is unknown, so the list of known members keeps itself.
/// </summary>
internal sealed class MemberReader
{
    // Results and reports have each text again, in which a character may take six bytes and no text more than 512 KiB.
    private const int MaxCharacters = 65_536;

    private readonly string _file;
    private readonly LocatedJson _json;
    private readonly Dictionary<string, LocatedJson> _members = [];
    private readonly List<string> _asked = [];

    public MemberReader(string file, LocatedJson json, string owner)
    {
        (_file, _json, Owner) = (file, json, owner);
        if (json.Kind != JsonTokenType.StartObject) throw Error("must be an object", json.Line);
        foreach (var (name, value) in json.Members)
        {
            if (!_members.TryAdd(name, value)) throw Error($"member '{name}' stands there twice", value.Line);
        }
    }

    /// <summary>Who is to blame in messages: "case 'NAME'".</summary>
    public string Owner { get; set; }

    /// <summary>What relative paths start from.</summary>
    public string Folder => Path.GetDirectoryName(Path.GetFullPath(_file))!;

    /// <summary>The names of the file's checkpoints, for members that name one.</summary>
    public IReadOnlyList<string> Checkpoints { get; init; } = [];

    public LocatedJson? Find(string name)
    {
        if (!_asked.Contains(name)) _asked.Add(name);
        return _members.GetValueOrDefault(name);
    }

    public LocatedJson Require(string name) => Find(name) ?? throw Missing(name);

    public string? Text(string name) => Find(name) is { } value ? AsText(name, value) : null;

    public string RequireText(string name) => Text(name) ?? throw Missing(name);

    public string? OneOf(string name, IReadOnlyList<string> known, string? otherwise = null)
    {
        if (Text(name) is not { } text) return otherwise;
        return known.Contains(text) ? text : throw Error($"unknown {name} '{text}': known are {string.Join(", ", known)}", _members[name].Line);
    }

    public long? Size(string name) => Find(name) is { } value ? AsSize(name, value) : null;

    public int Whole(string name)
    {
        if (Find(name) is not { } value) return 0;
        return value.Kind == JsonTokenType.Number && int.TryParse(value.Text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw Error($"{name} must be a whole number from 0 on", value.Line);
    }

    public int? OptionalWhole(string name) => Find(name) is null ? null : Whole(name);

    public double? Number(string name)
    {
        if (Find(name) is not { } value) return null;
        return value.Kind == JsonTokenType.Number && double.TryParse(value.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number is >= 0 and < 1e6
            ? number
            : throw Error($"{name} must be a number from 0 on, as in 0.05", value.Line);
    }

    public TimeSpan? Duration(string name)
    {
        if (Text(name) is not { } text) return null;
        return DurationText.TryParse(text, out var duration)
            ? duration
            : throw Error($"{name} '{text}' is no duration: write seconds or minutes, as in 90s or 5min", _members[name].Line);
    }

    public ImmutableArray<string> Texts(string name)
    {
        if (Find(name) is not { } value) return [];
        if (value.Kind != JsonTokenType.StartArray || value.Items.Count == 0) throw Error($"{name} must be a list of strings that is not empty", value.Line);
        return [.. value.Items.Select(item => AsText(name, item))];
    }

    /// <summary>Refuses what nobody asked for.</summary>
    public void Close()
    {
        foreach (var (name, value) in _json.Members)
        {
            if (!_asked.Contains(name)) throw Error($"unknown member '{name}': known are {string.Join(", ", _asked)}", value.Line);
        }
    }

    public InputException Error(string problem, int? line = null) => new($"{_file}:{line ?? _json.Line}: {(Owner == "" ? "" : Owner + ": ")}{problem}");

    /// <summary>An error at a member's own line.</summary>
    public InputException ErrorAt(string name, string problem) => Error(problem, _members.GetValueOrDefault(name)?.Line);

    private InputException Missing(string name) => Error($"member '{name}' is missing");

    private string AsText(string name, LocatedJson value)
    {
        if (value.Kind != JsonTokenType.String) throw Error($"{name} must be a string", value.Line);
        if (value.Text.Contains('\0')) throw Error($"{name} must not have a NUL in it", value.Line);
        if (value.Text.Length > MaxCharacters) throw Error($"{name} must not have more than {MaxCharacters} characters", value.Line);
        return value.Text.Trim() != "" ? value.Text : throw Error($"{name} must not be empty", value.Line);
    }

    private long AsSize(string name, LocatedJson value)
    {
        var text = AsText(name, value);
        return ByteSize.TryParse(text, out var bytes)
            ? bytes
            : throw Error($"{name} {ByteSize.Problem(text)}", value.Line);
    }
}
