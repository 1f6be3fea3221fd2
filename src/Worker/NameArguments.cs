using Loadline.Checkpoints.Selection;

namespace Loadline.Worker;

/// <summary>The arguments that choose tensors by name; each comes once, with commas between patterns.</summary>
internal sealed class NameArguments
{
    private readonly Dictionary<string, string> _texts = [];

    /// <summary>What they come to.</summary>
    /// <exception cref="FormatException">A pattern is empty, or a rule is none.</exception>
    public EntrySelection Selection => EntrySelection.Parse(
        _texts.GetValueOrDefault("--include"), _texts.GetValueOrDefault("--exclude"), _texts.GetValueOrDefault("--rename"), _texts.GetValueOrDefault("--strip"));

    /// <summary>Takes an argument in, if it is one of these.</summary>
    public bool Take(string option, string value)
    {
        if (option is not ("--include" or "--exclude" or "--rename" or "--strip")) return false;
        _texts[option] = value;
        return true;
    }
}
