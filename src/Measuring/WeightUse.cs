namespace Loadline.Measuring;

/// <summary>What a pass over loaded weights does with them.</summary>
internal enum WeightUse
{
    /// <summary>Reads every byte once that the host holds or maps, as arithmetic on them would.</summary>
    Read,

    /// <summary>Computes a forward, which looks up few rows of its embeddings and reads all else.</summary>
    Forward,
}

/// <summary>The names of uses.</summary>
internal static class WeightUses
{
    /// <summary>All of them, as files and command lines write them.</summary>
    public static IReadOnlyList<string> Names { get; } = ["read", "forward"];

    /// <summary>The use of a name.</summary>
    /// <exception cref="FormatException">There is none of that name.</exception>
    public static WeightUse Parse(string name) => name switch
    {
        "read" => WeightUse.Read,
        "forward" => WeightUse.Forward,
        _ => throw new FormatException($"unknown use '{name}': known are {string.Join(", ", Names)}"),
    };
}
