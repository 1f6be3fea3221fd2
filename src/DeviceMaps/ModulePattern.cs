namespace Loadline.DeviceMaps;

/// <summary>The last parts of a module's name, with <c>*</c> for any one part: <c>h.*</c> is every block of <c>transformer.h</c>.</summary>
internal sealed class ModulePattern(string text)
{
    private readonly string[] _parts = text.Split('.');

    public bool Matches(ModuleNode module)
    {
        var node = module;
        for (var i = _parts.Length - 1; i >= 0; i--, node = node.Parent)
        {
            // The root has no name, and is split in any case.
            if (node?.Parent is null || (_parts[i] != "*" && _parts[i] != node.Part)) return false;
        }

        return true;
    }

    public override string ToString() => text;
}
