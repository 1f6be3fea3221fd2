namespace Loadline.Cuda;

/// <summary>What a call of the driver returns (<c>CUresult</c>). Only those that are told apart have names here; the driver has names for all.</summary>
internal enum CudaResult
{
    Success = 0,
    OutOfMemory = 2,
    NoDevice = 100,
}

/// <summary>What can be asked about a device without a context (<c>CUdevice_attribute</c>), by the header's numbers.</summary>
internal enum DeviceAttribute
{
    ComputeMode = 20,
    ComputeCapabilityMajor = 75,
    ComputeCapabilityMinor = 76,
}
