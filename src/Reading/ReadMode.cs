namespace Loadline.Reading;

/// <summary>
/// Whether weights that get memory of their own on the CPU, or go through a ring onto an accelerator, are read through the page cache. Those that are converted,
/// gathered or inflated are, wherever they go, and so are those of strategies that map.
/// </summary>
public enum ReadMode
{
    /// <summary>Past it where hardly any of the checkpoint is there; else through it.</summary>
    Auto,

    /// <summary>
    /// Through it, whatever there is room for: the next load of the same checkpoint may find it there, and one that runs beside this one need not ask the disk.
    /// </summary>
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
