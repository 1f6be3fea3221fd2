using Loadline.Checkpoints;

namespace Loadline.DeviceMaps;

/// <summary>Names for a message of one line.</summary>
internal static class NameList
{
    private const int Most = 8;
    private const int MostCharacters = 100;

    /// <summary>"a, b and c"; of many the first eight, and how many more there are.</summary>
    public static string Of(IReadOnlyList<string> names) => names.Count switch
    {
        0 => "nothing",
        1 => Short(names[0]),
        <= Most => $"{string.Join(", ", names.SkipLast(1).Select(Short))} and {Short(names[^1])}",
        _ => $"{string.Join(", ", names.Take(Most).Select(Short))} and {names.Count - Most} more",
    };

    private static string Short(string name) => PrintableText.Escape(PrintableText.Shorten(name, MostCharacters));
}
