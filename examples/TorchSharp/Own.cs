namespace Loadline.Examples;

/// <summary>TorchSharp's own ways to load, as its documentation shows them. They read its own format, which Loadline writes as <c>dat</c>.</summary>
internal static class Own
{
    public static Gpt2 ModuleLoad(string path)
    {
        var model = Gpt2.MediumInMemory();
        model.load(path);
        return model;
    }

    public static Gpt2 LoadStateDict(string path)
    {
        using var source = ModuleLoad(path);
        var model = Gpt2.MediumInMemory();
        model.load_state_dict(source.state_dict());
        return model;
    }
}
