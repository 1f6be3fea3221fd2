namespace Loadline.Strategies.TorchSharp;

/// <summary>How weights get into a module. The defaults suit a model that is only read.</summary>
public sealed record ModuleLoadOptions
{
    /// <summary>
    /// Whether checkpoint and module must have the same names. Where they need not, the module keeps what it has of the missing ones: values that its
    /// constructor made, or none on the meta device.
    /// </summary>
    public bool Strict { get; init; } = true;

    /// <summary>As <see cref="LoadOptions.DType"/>: null gives each parameter the dtype that the checkpoint stores, whatever it was built with.</summary>
    public TargetDType? DType { get; init; }

    /// <summary>As <see cref="LoadOptions.Readers"/>.</summary>
    public int Readers { get; init; } = new LoadOptions().Readers;
}
