namespace Loadline.Reading;

/// <summary>Whether weights that go through a ring are read through the page cache. Wherever else they go, they are.</summary>
public enum ReadMode
{
    /// <summary>Past it where the checkpoint is not there and would not stay there, as under a cap that is smaller than it; else through it.</summary>
    Auto,

    /// <summary>Through it, whatever there is room for: the next load of the same checkpoint may find it there.</summary>
    Cached,

    /// <summary>Past it (O_DIRECT), also where the checkpoint is there, unless the file system cannot: whoever shares the machine keeps what it has cached.</summary>
    Direct,
}

/// <summary>Their names on command lines.</summary>
public static class ReadModes
{
    /// <summary>All of them, the default first.</summary>
    public static IReadOnlyList<string> Names { get; } = ["auto", "cached", "direct"];

    /// <summary>The name of one.</summary>
    public static string Name(this ReadMode mode) => Names[(int)mode];

    /// <summary>The one of a name.</summary>
    /// <exception cref="ArgumentException">There is none; the message names those that there are.</exception>
    public static ReadMode Parse(string name)
    {
        for (var i = 0; i < Names.Count; i++)
        {
            if (Names[i] == name) return (ReadMode)i;
        }

        throw new ArgumentException($"unknown read mode '{name}': known are {string.Join(", ", Names)}");
    }
}
